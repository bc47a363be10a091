"""Serves an ASGI application: uvicorn's protocols, an event loop of ours, a gate before it.

The loop runs in the main thread, as under uvicorn: applications open connections when they are
imported or started, some of which may be used in the same thread only, and only there signal
handlers can be set. Whoever talks to the supervisor is in another thread.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from math import inf
from typing import Any, TypeVar

from uvicorn.config import Config
from uvicorn.server import ServerState

from wiverno.core.asgi_types import ASGIApplication
from wiverno.core.server.http_date import http_date
from wiverno.core.server.seam import Seam
from wiverno.core.server.settings import ServerSettings
from wiverno.dev.serving.event_loop import loop_of_main_thread, selector_of
from wiverno.dev.serving.gated_protocol import GatedProtocol, gated
from wiverno.dev.serving.lifespan import ASGILifespan
from wiverno.dev.serving.linger import linger
from wiverno.dev.serving.protocol import Gatekeeper
from wiverno.dev.serving.telling import Telling
from wiverno.dev.serving.told_asgi import CUT_AT_THE_DEADLINE, ToldASGIApplication

T = TypeVar("T")

# Of one listener in one turn; the other clients get their turn in between.
_ACCEPTS_PER_TURN = 64
# Out of descriptors: so long until the next try.
_ACCEPT_PAUSE_S = 1.0
# For streams that were cut: half of it to notice, the other half to run their `finally`.
_CUT_STREAMS_S = 0.2
# No protocol tells when its handshake has ended.
_LOOK_AGAIN_S = 0.01
# Beyond all that, for an application that blocks the loop: so short that of the time to leave
# there is something left for its atexit handlers.
_MARGIN_S = 0.1
_SERVER = b"uvicorn"

_logger = logging.getLogger(__name__)


class ASGIHost:
    """What an ASGI application has in one process: its event loop, and its life in it."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._loop = loop_of_main_thread()
        self._lifespan: ASGILifespan | None = None

    def startup(self) -> None:
        """In the main thread. Raises what the application raises when it cannot start."""
        # Raised here, so that the page shows no frames of the loop.
        if (error := self._loop.run_until_complete(self._start())) is not None:
            raise error

    def where_it_waits(self) -> str:
        """Of a start-up: what the stack of this thread does not show. Empty while it runs."""
        if self._lifespan is None or asyncio.current_task(self._loop) is not None:
            return ""
        return self._lifespan.where_it_waits()

    def make_serving(self, gatekeeper: Gatekeeper, telling: Telling) -> "ASGIServing":
        told = ToldASGIApplication(self._application, telling)
        state = {} if self._lifespan is None else self._lifespan.state
        return ASGIServing(told, gatekeeper, self._loop, state)

    def run_beside(self, function: Callable[[], T]) -> T:
        """Run the loop in this thread until `function` has returned in another one."""
        outcome: Future[T] = Future()
        is_over = False

        def end() -> None:
            # Said in the loop: a stop that it has not heard of would end its shutdown.
            nonlocal is_over
            is_over = True
            self._loop.stop()

        def run() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised in the other thread
                outcome.set_exception(error)
            self._loop.call_soon_threadsafe(end)

        threading.Thread(target=run, name="wiverno-messages", daemon=True).start()
        while not is_over:  # The application may stop the loop, too.
            self._loop.run_forever()
        return outcome.result()

    def shutdown(self) -> None:
        """In the main thread, when nothing is served any more."""
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _start(self) -> BaseException | None:
        self._lifespan = ASGILifespan(self._application)
        try:
            await self._lifespan.startup()
        except BaseException as error:  # noqa: BLE001 - sys.exit() at start-up is an answer too
            return error
        return None

    async def _end(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()
        # As `asyncio.run` does: what the application has left running hears of the end.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


class ASGIServing:
    """The ASGI form of `Serving`. Its methods are called in any thread, but never the loop's."""

    def __init__(
        self,
        application: ASGIApplication,
        gatekeeper: Gatekeeper,
        loop: asyncio.SelectorEventLoop,
        state: dict[str, Any],
    ) -> None:
        """`state` is what the lifespan of the application has left for its requests."""
        self._loop = loop
        self._has_gone = False
        self._is_over = threading.Event()
        self._connections = _Connections(application, gatekeeper, loop, state, self._is_over.set)

    def go(self, listeners: Sequence[socket.socket]) -> None:
        self._has_gone = True
        self._call(partial(self._connections.listen, list(listeners)))

    def adopt_connection(self, connection: socket.socket, received: bytes) -> None:
        self._call(partial(self._connections.open, connection, received))

    def stop_accepting(self, deadline_s: float, then: Callable[[], None]) -> None:
        self._call(self._connections.leave)
        self._call(partial(self._connections.drain, deadline_s))
        self._call(then)

    @property
    def is_over(self) -> bool:
        """Has it finished what it had, after `stop_accepting`?"""
        return self._is_over.is_set()

    def retire(self, deadline_s: float) -> None:
        if not self._has_gone or self._is_over.is_set():
            return
        self._call(self._connections.leave)
        self._call(self._connections.close_websockets)
        self._call(partial(self._connections.drain, deadline_s))
        self._is_over.wait(deadline_s + _CUT_STREAMS_S + _MARGIN_S)
        # If not by itself: whoever waits for a later deadline than this one waits no longer.
        self._is_over.set()

    def abandon_in_fork(self) -> None:
        self._connections.abandon_in_fork()
        # Closed by itself, the loop would first take out what the parent still watches.
        selector_of(self._loop).close()

    def _call(self, function: Callable[[], None]) -> None:
        # Closed: another retire() has ended everything.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)


class _Watched(set[Any]):
    """A set that tells when something has left it; uvicorn adds and discards."""

    def __init__(self, on_less: Callable[[], None]) -> None:
        super().__init__()
        self._on_less = on_less

    def discard(self, item: Any) -> None:
        super().discard(item)
        self._on_less()

    def remove(self, item: Any) -> None:
        super().remove(item)
        self._on_less()


class _Connections:
    """All connections of one serving. Lives in the thread of the loop, `Traffic` to each."""

    def __init__(
        self,
        application: ASGIApplication,
        gatekeeper: Gatekeeper,
        loop: asyncio.AbstractEventLoop,
        app_state: dict[str, Any],
        on_over: Callable[[], None],
    ) -> None:
        self._seam = Seam(gatekeeper.is_fresh, gatekeeper.hand_over, self.leave)
        self._loop = loop
        self._app_state = app_state
        self._on_over = on_over
        self._config = _configure(application)
        self._protocol = gated(self._config.http_protocol_class)
        self._state = ServerState()
        # uvicorn's own sets, in which it keeps connections of all kinds and their requests.
        self._state.connections = self._connections = _Watched(self._look_soon)
        self._state.tasks = self._tasks = _Watched(self._look_soon)
        self._own_tasks = _Watched(self._look_soon)
        self._listeners: list[socket.socket] = []
        self.is_leaving = False
        self._deadline = inf
        self._is_draining = False
        self._cutting: asyncio.TimerHandle | None = None

    # --- Traffic -----------------------------------------------------------------------

    def may_begin(self) -> bool:
        if not self._seam.may_dispatch():
            self.leave()
            return False
        # uvicorn's own server does this each second.
        self._state.default_headers = [(b"date", http_date()), (b"server", _SERVER)]
        return True

    def hand_over(self, connection: socket.socket, received: bytes) -> None:
        self._seam.hand_out(connection, received)

    # --- Accepting ---------------------------------------------------------------------

    def listen(self, listeners: list[socket.socket]) -> None:
        self._listeners = listeners
        for listener in listeners:
            listener.setblocking(False)
        self._watch_listeners()

    def open(self, connection: socket.socket, received: bytes) -> None:
        """Serve a connection from which `received` was read already."""
        if self.is_leaving:
            self.hand_over(connection, received)
            return
        connection.setblocking(False)
        self._run(self._connect(connection, received))

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Something of ours that has to be over before the serving is."""
        task = self._loop.create_task(coroutine)
        self._own_tasks.add(task)
        task.add_done_callback(self._own_tasks.discard)

    async def _connect(self, connection: socket.socket, received: bytes) -> None:
        def make() -> GatedProtocol:
            return self._protocol(
                self._config, self._state, self._app_state, traffic=self, received=received
            )

        try:
            await self._loop.connect_accepted_socket(make, connection)
        except OSError:  # Reset on the way.
            connection.close()

    def _watch_listeners(self) -> None:
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            if self.is_leaving:
                return
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(error)
                return
            self.open(connection, b"")

    def _pause_accepting(self, error: OSError) -> None:
        """The listener stays readable and would spin."""
        _logger.error("Cannot accept connections for a moment: %s", error)
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._loop.call_later(_ACCEPT_PAUSE_S, self._watch_listeners)

    # --- Leaving -----------------------------------------------------------------------

    def leave(self) -> None:
        """Begin nothing more: no listener, no idle connection."""
        if self.is_leaving:
            return
        self.is_leaving = True
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners = []
        for connection in list(self._connections):
            if isinstance(connection, GatedProtocol):
                connection.leave()

    def drain(self, deadline_s: float) -> None:
        """End when what is under way has; cut it after so many seconds. Never lengthens that."""
        self._is_draining = True
        deadline = self._loop.time() + deadline_s
        if deadline < self._deadline:
            self._deadline = deadline
            if self._cutting is not None:
                self._cutting.cancel()
            self._cutting = self._loop.call_at(deadline, self._cut)
        self._look_soon()

    def close_websockets(self) -> None:
        """Of their ends this one says why: 1012, "service restart" (RFC 6455 section 7.4.2).

        At once: a client that connects again finds the new code.
        """
        for connection in list(self._connections):
            if not isinstance(connection, GatedProtocol):
                self._run(self._close_websocket(connection))

    async def _close_websocket(self, connection: Any) -> None:
        # One that waits for the application's answer would be told of an error: 500.
        while not _is_answered(connection):
            await asyncio.sleep(_LOOK_AGAIN_S)
        if connection.transport.is_closing():
            return
        try:
            # A message of the client that nobody reads would turn the close into a reset.
            lingering = linger(connection.transport.get_extra_info("socket"))
        except OSError:  # Out of descriptors.
            connection.shutdown()
            return
        connection.shutdown()
        await lingering

    def abandon_in_fork(self) -> None:
        """The loop's objects live on in the child, so the numbers stay taken."""
        for listener in self._listeners:
            os.close(listener.detach())
        nothing = os.open(os.devnull, os.O_RDWR)
        for connection in self._connections:
            number = connection.transport.get_extra_info("socket").fileno()
            if number >= 0:
                os.dup2(nothing, number, inheritable=False)
        os.close(nothing)

    def _cut(self) -> None:
        """Connections first: the application may hear of it, `http.disconnect`, and end itself."""
        for connection in list(self._connections):
            connection.transport.abort()
        self._loop.call_later(_CUT_STREAMS_S / 2, self._cancel)

    def _cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel(CUT_AT_THE_DEADLINE)
        self._loop.call_later(_CUT_STREAMS_S / 2, self._on_over)

    def _look_soon(self) -> None:
        # uvicorn takes a connection out of its set for a moment when it becomes a WebSocket.
        if self._is_draining:
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        if not (self._connections or self._tasks or self._own_tasks):
            self._on_over()


def _is_answered(websocket: Any) -> bool:
    """Has the handshake ended, well or not? uvicorn's protocols do not agree on how to say so."""
    completed: asyncio.Event | None = getattr(websocket, "handshake_completed_event", None)
    return bool(websocket.handshake_complete if completed is None else completed.is_set())


def _configure(application: ASGIApplication) -> Config:
    config = Config(
        application,
        interface="asgi3",
        lifespan="off",
        # Loggers are the application's affair.
        log_config=None,
        # The worker tells of each answer itself.
        access_log=False,
        timeout_keep_alive=int(ServerSettings().keep_alive_timeout_s),
    )
    config.load()
    return config
