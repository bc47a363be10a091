"""The lifespan of an ASGI application: what it does when its process begins and ends to serve.

By the lifespan protocol of the ASGI specification. Not uvicorn's own: that one lets an application
go on whose start-up failed before it said so, and keeps the exception to itself.
"""

import asyncio
import logging
from typing import Any

from wiverno.core.asgi_lifespan import means_no_lifespan
from wiverno.core.asgi_types import ASGIApplication, Message, Scope
from wiverno.core.exceptions import WivernoError
from wiverno.dev.serving.awaiting import awaiting_text

# Frameworks say that they failed, then raise what failed.
_LAST_WORDS_S = 1.0

_logger = logging.getLogger(__name__)


class LifespanStartupError(WivernoError):
    """The application has said that it cannot start, and not raised why."""


class LifespanMessageError(WivernoError):
    """The application has answered a lifespan with something else."""


class ASGILifespan:
    """One application in one event loop."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self.state: dict[str, Any] = {}
        """What the application keeps for its requests, `scope["state"]`."""
        self.is_started = False
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._has_answered = asyncio.Event()
        self._has_received = False
        self._has_sent_other = False
        self._refusal: str | None = None
        self._error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Raises what the application raised, LifespanStartupError when it only said no.

        An application that has no lifespan is as good as started.
        """
        self._task = asyncio.create_task(self._run())
        self._events.put_nowait({"type": "lifespan.startup"})
        await self._has_answered.wait()
        if self._refusal is not None:
            await asyncio.wait([self._task], timeout=_LAST_WORDS_S)
            if self._error is not None:
                raise self._error
            said = self._refusal or "it did not say why"
            raise LifespanStartupError(f"The start-up of the application failed: {said}")
        if self._error is not None and not means_no_lifespan(
            self._error, has_received=self._has_received, has_sent_other=self._has_sent_other
        ):
            raise self._error

    def where_it_waits(self) -> str:
        """The stack of a start-up that is not done; empty for any other."""
        if self.is_started or self._task is None or self._task.done():
            return ""
        return awaiting_text(self._task.get_coro())

    async def shutdown(self) -> None:
        """Returns when the application has answered or ended. What fails is logged."""
        if not self.is_started or self._task is None:
            return
        self.is_started = False
        self._has_answered.clear()
        self._events.put_nowait({"type": "lifespan.shutdown"})
        if not self._task.done():
            await self._has_answered.wait()
        # An exception of its last lines would come to nobody's eyes.
        await asyncio.wait([self._task], timeout=_LAST_WORDS_S)
        if self._error is not None:
            _logger.error("The lifespan of the application failed.", exc_info=self._error)
        elif self._refusal is not None:
            _logger.error("The shutdown of the application failed: %s", self._refusal)

    async def _run(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 - sys.exit() at start-up is an answer too
            self._error = error
        finally:
            self._has_answered.set()

    async def _receive(self) -> Message:
        self._has_received = True
        return await self._events.get()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self.is_started = True
            case "lifespan.shutdown.complete":
                pass
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                self._refusal = message.get("message", "")
            case other:
                self._has_sent_other = True
                raise LifespanMessageError(
                    f"A lifespan was answered with {other!r}. An application without one raises "
                    'when scope["type"] is "lifespan".'
                )
        self._has_answered.set()
