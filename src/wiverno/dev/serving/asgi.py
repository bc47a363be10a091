"""Serves an ASGI application: uvicorn's protocols, an event loop of ours, a gate before it.

The loop runs in the main thread, as under uvicorn: applications open connections when they are
imported or started, some of which may be used in the same thread only, and only there signal
handlers can be set. Whoever talks to the supervisor is in another thread.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from wiverno.core.asgi_types import ASGIApplication
from wiverno.dev.serving.asgi_connections import CUT_STREAMS_S, Connections
from wiverno.dev.serving.event_loop import loop_of_main_thread, selector_of
from wiverno.dev.serving.lifespan import ASGILifespan
from wiverno.dev.serving.protocol import Gatekeeper
from wiverno.dev.serving.telling import Telling
from wiverno.dev.serving.told_asgi import ToldASGIApplication

T = TypeVar("T")

# Beyond the cutting of streams, for an application that blocks the loop: so short that of the time
# to leave there is something left for its atexit handlers.
_MARGIN_S = 0.1


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
        self._connections = Connections(application, gatekeeper, loop, state, self._is_over.set)

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
        self._is_over.wait(deadline_s + CUT_STREAMS_S + _MARGIN_S)
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
