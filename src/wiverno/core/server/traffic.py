"""All connections of one loop: from bytes to a request, from an answer to the next bytes.

Runs in the loop's thread, except where a docstring says "in a pool thread". Never runs
application code and never waits for one client.
"""

import logging
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from math import inf

from wiverno.core.server.connection import ClientGoneError, Connection, Phase
from wiverno.core.server.dispatcher import Dispatcher
from wiverno.core.server.environ import RequestBody
from wiverno.core.server.gateway import Gateway
from wiverno.core.server.inspection import describe_request, is_idle, longest_idle
from wiverno.core.server.request_head import BadRequest, RequestHead
from wiverno.core.server.request_reader import NEED_DATA, BodyData
from wiverno.core.server.response_writer import CONTINUE
from wiverno.core.server.seam import Seam
from wiverno.core.server.settings import ServerSettings

logger = logging.getLogger("wiverno.core.server")

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# Looked up in the Enum's class they would take a tenth of the time of a request.
_HEAD, _BODY, _ANSWERING = Phase.HEAD, Phase.BODY, Phase.ANSWERING
_CLOSING, _LINGERING, _GONE = Phase.CLOSING, Phase.LINGERING, Phase.GONE
# After the last answer no client has a reason to send more than this.
_LINGER_BYTES = 1024 * 1024


class Traffic:
    """The connections. `call` has a function run in the loop's thread, from any thread."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        call: Callable[[Callable[[], None]], None],
        settings: ServerSettings,
        gateway: Gateway,
        seam: Seam,
    ) -> None:
        self._selector = selector
        self._call = call
        self._settings = settings
        self._gateway = gateway
        self._seam = seam
        finish = partial(self._guarded, self._finish_answer)
        self.dispatcher = Dispatcher(settings.threads, gateway, call, finish)
        self.connections: set[Connection] = set()
        self.in_flight: set[Connection] = set()
        # No connection is kept.
        self.is_leaving = False
        # Nor is any request begun that is here already.
        self.is_stale = False

    # --- What the accept loop asks for -----------------------------------------------

    def begin(
        self, sock: socket.socket, address: tuple[str, int] | None, received: bytes = b""
    ) -> None:
        """Serve an accepted connection, from which `received` was read already."""
        sock.setblocking(False)
        connection = Connection(
            sock, address, self._settings, self._gateway.server_environ, self._ask_flush
        )
        # The deadline of a head begins with its first byte.
        connection.deadline = time.monotonic() + self._settings.keep_alive_timeout_s
        self.connections.add(connection)
        # The request is often here already, and often the only one of its connection: such a
        # socket is never given to the selector.
        connection.is_paused = True
        if received:
            connection.reader.feed(received)
            self._guarded(self._advance, connection)
        if connection.phase is not _ANSWERING:
            self._guarded(self._read, connection)
        if connection.phase is _HEAD or connection.phase is _BODY:
            self._guarded(self._unpause, connection)

    def leave(self) -> None:
        """Let go of connections without a request, now and after each answer."""
        self.is_leaving = True
        self.announce_close()
        for connection in list(self.connections):
            if connection.phase is _HEAD:
                self._guarded(self._let_go, connection)

    def has_idle(self) -> bool:
        """Is there a connection that waits for a request?"""
        return any(map(is_idle, self.connections))

    def close_idle(self, most: int) -> int:
        """Close up to `most` idle connections, the longest waiting first; returns how many."""
        idle = longest_idle(self.connections, most)
        for connection in idle:
            self._guarded(self._close, connection)
        return len(idle)

    def announce_close(self) -> None:
        """In any thread: answers say `Connection: close`, unless connections live on elsewhere."""
        self._gateway.is_closing = self._seam.release is None

    def expire(self, now: float) -> None:
        """End what is past its deadline."""
        for connection in [each for each in self.connections if now >= each.deadline]:
            self._guarded(self._expire, connection)

    def cut_all(self) -> None:
        """Close everything, and say which requests that costs."""
        now = time.monotonic()
        for connection in list(self.connections):
            if connection in self.in_flight:
                logger.warning("Cut at the deadline: %s", describe_request(connection, now))
            self._guarded(self._close, connection)

    # --- Reading ---------------------------------------------------------------------

    def _on_event(self, connection: Connection, mask: int) -> None:
        if mask & _WRITE:
            self._guarded(self._flush, connection)
        if mask & _READ and connection.events & _READ:
            self._guarded(self._read, connection)

    def _guarded(self, action: Callable[[Connection], None], connection: Connection) -> None:
        """An error of ours costs one connection, not the server."""
        if connection.phase is _GONE:
            return  # Closed or released by an earlier event of the same turn.
        try:
            action(connection)
        except ClientGoneError:
            self._lose(connection)
        except Exception:
            logger.exception("Error of the server itself; %s is cut", connection.address)
            self._lose(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(self._settings.receive_bytes)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._lose(connection)
            return
        if connection.phase is _LINGERING:
            self._discard(connection, data)
        elif not data:
            self._end_input(connection)
        else:
            connection.reader.feed(data)
            if connection.phase is not _ANSWERING:
                self._advance(connection)
            elif connection.reader.unread_bytes > self._settings.max_pipelined_bytes:
                connection.is_paused = True
                self._watch(connection, connection.events & ~_READ)

    def _end_input(self, connection: Connection) -> None:
        """A client that has sent everything may still want its answers (half-close)."""
        connection.is_eof = True
        self._watch(connection, connection.events & ~_READ)
        if connection.phase is not _ANSWERING:
            self._advance(connection)
            self._close_if_ended(connection)

    def _advance(self, connection: Connection) -> None:
        """Take the request as far as the bytes go."""
        try:
            if connection.phase is _HEAD and not self._begin_request(connection):
                return
            self._receive_body(connection)
        except BadRequest as refusal:
            self._refuse(connection, refusal)

    def _begin_request(self, connection: Connection) -> bool:
        reader = connection.reader
        if self.is_leaving and (self._seam.release is not None or self.is_stale):
            self._release(connection)
            return False
        if not reader.is_head_complete():
            self._await_head(connection)
            return False
        if not self._seam.may_dispatch():
            self.is_stale = True
            self._seam.on_stale()
            return False
        head = reader.next_event()
        if not isinstance(head, RequestHead):
            raise TypeError(head)  # is_head_complete() has promised one.
        connection.head = head
        connection.started_at = 0.0
        connection.has_begun = False
        connection.phase = _BODY
        self.in_flight.add(connection)
        if head.body_length != 0:
            connection.body = RequestBody(self._settings.body_memory_bytes)
            connection.body_began_at = time.monotonic()
            if head.expect_continue and not reader.unread_bytes:
                connection.send(CONTINUE)
        return True

    def _await_head(self, connection: Connection) -> None:
        """The deadline of a head runs from its first byte, however it drips."""
        if connection.reader.unread_bytes and not connection.has_begun:
            connection.has_begun = True
            connection.deadline = time.monotonic() + self._settings.head_timeout_s

    def _receive_body(self, connection: Connection) -> None:
        while isinstance(event := connection.reader.next_event(), BodyData):
            if connection.body is not None:
                connection.body.write(event.data)
        if event is NEED_DATA:
            received = 0 if connection.body is None else connection.body.size_bytes
            connection.deadline = self._deadline(
                self._settings.body_timeout_s, connection.body_began_at, received
            )
            self._close_if_ended(connection)
            return
        if self.dispatcher.queued >= self._settings.max_queued_requests:
            raise BadRequest(503, "Too many requests wait already. Try again soon.")
        connection.deadline = inf
        if connection.has_unsent():  # 100 Continue, to a client that does not read.
            self._start_flush(connection)
        connection.started_at = time.monotonic()
        connection.phase = _ANSWERING
        self.dispatcher.add(connection)

    def _deadline(self, idle_s: float, began_at: float, size_bytes: int) -> float:
        """For the next piece, and for a rate: a client must not keep us busy by dripping."""
        least_rate = self._settings.min_bytes_per_s
        return min(time.monotonic(), began_at + size_bytes / least_rate) + idle_s

    # --- Answering -------------------------------------------------------------------

    def _finish_answer(self, connection: Connection) -> None:
        """The application is done; its client may not have taken everything."""
        connection.is_answered = True
        connection.send_rest()
        if not connection.has_unsent():
            self._end_answer(connection)

    def _end_answer(self, connection: Connection) -> None:
        connection.is_answered = False
        connection.head = connection.body = None
        if connection.must_close or connection.is_gone:
            self._end(connection)
            return
        self.in_flight.discard(connection)
        connection.deadline = time.monotonic() + self._settings.keep_alive_timeout_s
        connection.phase = _HEAD
        self._unpause(connection)
        if self.is_leaving:
            self._let_go(connection)
        elif connection.reader.unread_bytes:
            self._advance(connection)
        self._close_if_ended(connection)

    def _unpause(self, connection: Connection) -> None:
        if connection.is_paused:
            connection.is_paused = False
            if not connection.is_eof:
                self._watch(connection, connection.events | _READ)

    def _ask_flush(self, connection: Connection) -> None:
        """In a pool thread."""
        self._call(partial(self._guarded, self._start_flush, connection))

    def _start_flush(self, connection: Connection) -> None:
        if connection.has_unsent():
            connection.drain_began_at = time.monotonic()
            connection.drained_bytes = 0
            connection.deadline = connection.drain_began_at + self._settings.write_timeout_s
            self._watch(connection, connection.events | _WRITE)

    def _flush(self, connection: Connection) -> None:
        if connection.has_unsent():
            connection.deadline = self._deadline(
                self._settings.write_timeout_s, connection.drain_began_at, connection.drained_bytes
            )
        if not connection.flush():
            return
        self._watch(connection, connection.events & ~_WRITE)
        if connection.phase is _CLOSING:
            self._linger(connection)
        elif connection.is_answered:
            self._end_answer(connection)
        elif connection.phase is _BODY:  # It has only now been told to go on.
            connection.deadline = time.monotonic() + self._settings.body_timeout_s
        else:
            connection.deadline = inf

    def _refuse(self, connection: Connection, refusal: BadRequest) -> None:
        """Answer with a 4xx or 5xx; nothing says where a next request would begin."""
        logger.info("%s: %d %s", connection.address, refusal.status, refusal.reason)
        connection.phase = _CLOSING
        connection.deadline = time.monotonic() + self._settings.write_timeout_s
        self._watch(connection, connection.events & _WRITE)
        answer = self._gateway.refuse(connection, refusal.status, refusal.reason)
        connection.send(answer)
        if not connection.has_unsent():
            self._linger(connection)

    # --- Ending ----------------------------------------------------------------------

    def _end(self, connection: Connection) -> None:
        """The last answer is out. Unread bytes would turn a plain close into a reset."""
        if connection.is_paused and not (connection.is_gone or connection.is_eof):
            self._read(connection)  # Nobody has looked since the request.
        if connection.is_gone or connection.is_eof or not connection.reader.unread_bytes:
            self._close(connection)
        else:
            self._linger(connection)

    def _linger(self, connection: Connection) -> None:
        """RFC 9112 section 9.6: say that no more comes, then read until the client has it."""
        self.in_flight.discard(connection)
        connection.phase = _LINGERING
        connection.deadline = time.monotonic() + self._settings.linger_timeout_s
        connection.reader.take_unread()
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        self._watch(connection, _READ)

    def _discard(self, connection: Connection, data: bytes) -> None:
        connection.discarded_bytes += len(data)
        if not data or connection.discarded_bytes > _LINGER_BYTES:
            self._close(connection)

    def _expire(self, connection: Connection) -> None:
        if connection.phase is _ANSWERING:
            logger.info("%s takes nothing of its answer; cut", connection.address)
            self._lose(connection)
        elif connection.phase is _BODY or (connection.phase is _HEAD and connection.has_begun):
            self._refuse(connection, BadRequest(408, "The request did not come in time."))
        else:
            self._close(connection)

    def _let_go(self, connection: Connection) -> None:
        """Of a connection without a request in flight."""
        if self._seam.release is not None or self.is_stale:
            self._release(connection)
            return
        if not connection.is_eof:
            self._read(connection)  # A request may have come after the last select().
        if connection.phase is not _HEAD:
            return
        if connection.reader.is_head_complete():
            self._advance(connection)
        elif not connection.reader.unread_bytes:
            self._close(connection)
        else:
            connection.has_begun = True
            connection.deadline = time.monotonic() + self._settings.stop_head_timeout_s

    def _release(self, connection: Connection) -> None:
        self._forget(connection)
        connection.phase = _GONE
        self._seam.hand_out(connection.sock, connection.reader.take_unread())

    def _lose(self, connection: Connection) -> None:
        """The client is gone. A pool thread that still answers learns it and ends the rest."""
        if connection.phase is not _ANSWERING:
            self._close(connection)
            return
        connection.deadline = inf
        self._watch(connection, 0)
        connection.abandon()
        if connection.is_answered:
            self._close(connection)

    def _close_if_ended(self, connection: Connection) -> None:
        """After the client's last byte nothing can complete what is still incomplete."""
        if connection.is_eof and connection.phase in (_HEAD, _BODY):
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._forget(connection)
        connection.close()

    def _forget(self, connection: Connection) -> None:
        self._watch(connection, 0)
        self.connections.discard(connection)
        self.in_flight.discard(connection)

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.events:
            return
        if not events:
            self._selector.unregister(connection.sock)
        elif connection.events:
            self._selector.modify(connection.sock, events, partial(self._on_event, connection))
        else:
            self._selector.register(connection.sock, events, partial(self._on_event, connection))
        connection.events = events
