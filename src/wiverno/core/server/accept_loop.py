"""The loop: one thread that owns listeners, wakeup and all connections, and when it ends.

Other threads and signal handlers reach it through the wakeup only. How a connection is
served stands in `traffic`.
"""

import errno
import logging
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import inf

from wiverno.core.server.environ import base_environ
from wiverno.core.server.forwarded import TrustedProxies
from wiverno.core.server.gateway import Gateway, ResponseSummary
from wiverno.core.server.seam import Seam
from wiverno.core.server.settings import ServerSettings
from wiverno.core.server.traffic import Traffic
from wiverno.core.server.wakeup import Wakeup
from wiverno.core.wsgi_types import WSGIApplication

logger = logging.getLogger("wiverno.core.server")

_READ = selectors.EVENT_READ
# Of one listener in one turn; the other clients get their turn in between.
_ACCEPTS_PER_TURN = 64


# Of descriptors or memory, so that closing others helps (accept(2)).
_OUT_OF_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# What select() takes there.
_MOST_ON_WINDOWS = 500
_MOST_WITHOUT_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """What an operator watches: all threads busy and a queue mean that requests wait."""

    threads: int
    busy_threads: int
    """Those that run the application."""
    queued_requests: int
    """Complete ones that wait for a thread."""
    connections: int
    """All of them, idle ones too."""


def _always() -> bool:
    return True


class AcceptLoop:
    """Serves listeners that are bound and listening. `run()` blocks until it is drained.

    `may_dispatch` is asked once per request, when its head stands complete and nothing of
    it is consumed. After its first False nothing more is dispatched, and every connection
    without a request in flight goes to `release(socket, unread_bytes)`, which owns it from
    then on. Without `release` such connections are closed. Both are called in the loop's
    thread, `on_response` in a pool thread.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        application: WSGIApplication,
        settings: ServerSettings | None = None,
        *,
        may_dispatch: Callable[[], bool] = _always,
        release: Callable[[socket.socket, bytes], None] | None = None,
        on_response: Callable[[ResponseSummary], None] | None = None,
    ) -> None:
        self._settings = settings or ServerSettings()
        self._listeners = list(listeners)
        environ = base_environ(*self._server_address(), self._settings.root_path)
        proxies = TrustedProxies(self._settings.forwarded_allow_ips)
        self._gateway = Gateway(application, environ, on_response, proxies)
        self._wakeup = Wakeup()
        self._selector = selectors.DefaultSelector()
        self._seam = Seam(may_dispatch, release, self._leave)
        self._traffic = Traffic(
            self._selector,
            self._call,
            self._settings,
            self._gateway,
            self._seam,
        )
        self._most_connections = self._settings.max_connections or _most_connections()
        self._is_leaving = False
        self._is_draining = False
        self._is_closed = False
        self._drain_deadline = inf
        self._accept_again_at = inf
        self._next_sweep = inf
        self._sweep_interval_s = self._settings.shortest_timeout_s() / 4

    def report_refusals_to(self, on_refusal: Callable[[ResponseSummary], None]) -> None:
        """Before `run()`: where answers of the server itself go; called in the loop's thread."""
        self._gateway.on_refusal = on_refusal

    # --- From any thread -------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Requests whose head was accepted and whose answer is not yet complete."""
        return len(self._traffic.in_flight)

    @property
    def load(self) -> Load:
        """How busy the server is now."""
        dispatcher = self._traffic.dispatcher
        return Load(
            threads=self._settings.threads,
            busy_threads=len(dispatcher.pool.busy),
            queued_requests=dispatcher.queued,
            connections=len(self._traffic.connections),
        )

    def has_pool_thread(self, thread: threading.Thread) -> bool:
        """Does the thread run application code for this loop?"""
        return self._traffic.dispatcher.pool.has_thread(thread)

    def signal_fileno(self) -> int:
        """For `signal.set_wakeup_fd`: a signal then wakes the loop."""
        return self._wakeup.signal_fileno()

    def adopt(self, sock: socket.socket, received: bytes = b"") -> None:
        """Take over an accepted connection and the bytes that were read from it.

        When the loop is leaving, the connection goes to `release`, or is closed.
        """
        self._call(partial(self._adopt, sock, received))

    def stop_accepting(self, then: Callable[[], None] = lambda: None) -> None:
        """Close the own listener objects and let go of connections without a request.

        `then` is called in the loop's thread when that is done.
        """
        self._call(self._leave)
        self._call(then)

    def abandon_in_fork(self) -> None:
        """In a child that the application forked: close its copies of every descriptor.

        They would keep the port bound and the clients' connections open when this process
        has closed its own.
        """
        for sock in (*self._listeners, *(each.sock for each in self._traffic.connections)):
            if sock.fileno() >= 0:
                os.close(sock.detach())
        self._selector.close()
        self._wakeup.close()

    def drain(self, deadline_s: float) -> None:
        """Stop accepting, finish what is in flight, then end `run()`; cut it after `deadline_s`.

        Called again it may shorten the deadline, never lengthen it. May be called in a
        signal handler.
        """
        # At once: the answer of the view that asks shall say it already.
        self._traffic.announce_close()
        self._call(partial(self._drain, time.monotonic() + deadline_s))

    def close(self) -> None:
        """Give everything back without having run; `run()` does it by itself."""
        self._is_leaving = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._selector.close()
        self._wakeup.close()
        # Mark, then run what was queued before; _call() queues, then looks at the mark.
        self._is_closed = True
        self._wakeup.run_calls()

    def _call(self, function: Callable[[], None]) -> None:
        self._wakeup.call(function)
        if self._is_closed:
            self._wakeup.run_calls()

    # --- The loop --------------------------------------------------------------------

    def run(self) -> None:
        """Serve in this thread until `drain` is done."""
        try:
            self._open()
            while not self._is_done():
                self._turn()
        finally:
            self._is_leaving = True
            self._traffic.cut_all()
            self._end_threads()
            self.close()

    def _open(self) -> None:
        self._selector.register(self._wakeup.fileno(), _READ, lambda mask: self._wakeup.run_calls())
        self._watch_listeners()
        self._next_sweep = time.monotonic() + self._sweep_interval_s

    def _is_done(self) -> bool:
        if not self._is_draining:
            return False
        return not self._traffic.connections or time.monotonic() >= self._drain_deadline

    def _turn(self) -> None:
        for key, mask in self._selector.select(self._wait_s()):
            key.data(mask)
        self._traffic.dispatcher.dispatch()
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + self._sweep_interval_s
            if now >= self._accept_again_at:
                self._accept_again_at = inf
                self._watch_listeners()
            self._traffic.expire(now)

    def _wait_s(self) -> float | None:
        """None: without connections there is nothing to look after."""
        if not self._traffic.connections and self._accept_again_at == inf:
            return None
        until = min(self._next_sweep, self._drain_deadline)
        return max(0.0, until - time.monotonic())

    def _end_threads(self) -> None:
        stuck = self._traffic.dispatcher.pool.stop(self._settings.thread_join_timeout_s)
        if stuck:
            logger.warning("Threads still in application code: %s", ", ".join(stuck))

    # --- Accepting -------------------------------------------------------------------

    def _watch_listeners(self) -> None:
        for listener in self._listeners:
            listener.setblocking(False)
            # What is accepted inherits it. Otherwise the second part of an answer would wait for
            # the client's delayed ACK: 40 ms. Fails for a UNIX socket, which has no such thing.
            with suppress(OSError):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(listener, _READ, partial(self._accept, listener))

    def _accept(self, listener: socket.socket, mask: int) -> None:
        self._accept_some(listener, _ACCEPTS_PER_TURN)

    def _accept_some(self, listener: socket.socket, most: int) -> None:
        for _ in range(most):
            if self._is_leaving:
                return  # The gate of a request that was just accepted has closed the listener.
            is_full = len(self._traffic.connections) >= self._most_connections
            if is_full and not self._traffic.has_idle():
                self._pause_accepting(f"{self._most_connections} connections are open")
                return
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue  # The client left while it was queued.
            except OSError as error:
                if error.errno not in _OUT_OF_ROOM or not self._make_room():
                    self._pause_accepting(str(error))
                return
            if is_full:
                self._make_room()
            self._traffic.begin(sock, _host_and_port(address))

    def _make_room(self) -> bool:
        """Close some idle ones at once, since finding the oldest costs a look at all.

        False: there is none.
        """
        return self._traffic.close_idle(max(1, self._most_connections // 16)) > 0

    def _pause_accepting(self, reason: str) -> None:
        """The listener stays readable and would spin."""
        if self._accept_again_at != inf:
            return  # The listener of the other family has said so.
        logger.error("Cannot accept connections for a moment: %s", reason)
        for listener in self._listeners:
            self._selector.unregister(listener)
        self._accept_again_at = time.monotonic() + self._settings.accept_pause_s

    def _adopt(self, sock: socket.socket, received: bytes) -> None:
        if self._is_leaving:
            self._seam.hand_out(sock, received)
            return
        try:
            address = sock.getpeername()
        except OSError:
            address = None  # Reset on the way, which the next read tells.
        self._traffic.begin(sock, _host_and_port(address), received)

    # --- Leaving ---------------------------------------------------------------------

    def _leave(self) -> None:
        """Begin nothing more: no listener, no idle connection."""
        if self._is_leaving:
            return
        self._is_leaving = True
        for listener in self._listeners:
            if self._accept_again_at == inf:
                self._selector.unregister(listener)
            listener.close()
        self._listeners.clear()
        self._accept_again_at = inf
        self._traffic.leave()

    def _drain(self, deadline: float) -> None:
        self._drain_deadline = min(self._drain_deadline, deadline)
        # Whoever takes over our connections listens too, and accepts what the kernel has queued.
        if not self._is_draining and self._seam.release is None:
            self._accept_queued()
        self._is_draining = True
        self._leave()

    def _accept_queued(self) -> None:
        """Clients whose connection the kernel has accepted would be reset by the close."""
        if self._accept_again_at == inf:
            for listener in list(self._listeners):
                self._accept_some(listener, self._settings.backlog)

    def _server_address(self) -> tuple[str, int]:
        name = self._settings.server_name
        # A UNIX socket has neither; PEP 3333 wants both.
        address = _host_and_port(self._listeners[0].getsockname()) if self._listeners else None
        host, port = address or ("localhost", 80)
        return name or host, port


def _most_connections() -> int:
    """Nine tenths of the descriptors, so that the application can still open files."""
    if sys.platform == "win32":
        return _MOST_ON_WINDOWS
    import resource

    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return _MOST_WITHOUT_LIMIT
    return max(1, descriptors * 9 // 10)


def _host_and_port(address: object) -> tuple[str, int] | None:
    """Of AF_INET and AF_INET6; other families have no such pair."""
    if isinstance(address, tuple) and len(address) >= 2:
        return str(address[0]), int(address[1])
    return None
