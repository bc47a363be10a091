"""The connections of an ASGI application, in the thread of its event loop.

uvicorn's protocol classes speak on them; what its `Server` does for these is here: accepting, the
date, the end.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

# What `Config.load()` would import: here a template does it once, and not each worker.
import uvicorn.lifespan.off
import uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.auto  # noqa: F401
from uvicorn.config import Config
from uvicorn.server import ServerState

from wiverno.core.asgi_types import ASGIApplication
from wiverno.core.server.http_date import http_date
from wiverno.core.server.seam import Seam
from wiverno.core.server.settings import ServerSettings
from wiverno.dev.serving.gated_protocol import GatedProtocol, gated
from wiverno.dev.serving.linger import linger
from wiverno.dev.serving.protocol import Gatekeeper
from wiverno.dev.serving.told_asgi import CUT_AT_THE_DEADLINE

CUT_STREAMS_S = 0.2
"""For streams that were cut: half of it to notice, the other half to run their `finally`."""

# Of one listener in one turn; the other clients get their turn in between.
_ACCEPTS_PER_TURN = 64
# Out of descriptors: so long until the next try.
_ACCEPT_PAUSE_S = 1.0
# No protocol tells when its handshake has ended.
_LOOK_AGAIN_S = 0.01
_SERVER = b"uvicorn"

_logger = logging.getLogger(__name__)


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


class Connections:
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
        self._loop.call_later(CUT_STREAMS_S / 2, self._cancel)

    def _cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel(CUT_AT_THE_DEADLINE)
        self._loop.call_later(CUT_STREAMS_S / 2, self._on_over)

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
