"""The application as uvicorn gets it: a start-up that fails is told to uvicorn, and kept for us.

By itself uvicorn takes every exception out of a lifespan for "has none": it would serve an
application without its database.
"""

import asyncio
import logging

from wiverno.core.asgi_lifespan import means_no_lifespan
from wiverno.core.asgi_types import ASGIApplication, Message, Receive, Scope, Send

_logger = logging.getLogger(__name__)


class WatchedApplication:
    """An ASGI application, and how its lifespan went."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self.error: BaseException | None = None
        """What it raised in its start-up."""
        self.refusal: str | None = None
        """What it said instead of starting; empty where it did not say why."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the application, but that uvicorn hears of a lifespan that fails."""
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        talk = _Talk(receive, send)
        try:
            await self._application(scope, talk.receive, talk.send)
        except BaseException as error:
            if _is_cancelled(error):  # uvicorn's loop ends.
                raise
            await self._tell(error, talk)
        finally:
            self.refusal = talk.refusal

    async def _tell(self, error: BaseException, talk: "_Talk") -> None:
        if talk.is_started:
            if not talk.has_said_the_end:
                await talk.pass_on({"type": "lifespan.shutdown.failed", "message": ""})
            # Else uvicorn has told what it was, or it comes behind the last word of all.
            if not talk.has_said_shutdown_failed:
                _logger.error("The lifespan of the application failed.", exc_info=error)
            return
        if talk.refusal is None:
            if means_no_lifespan(
                error, has_received=talk.has_received, has_sent_other=talk.has_sent_other
            ):
                raise error
            await talk.pass_on({"type": "lifespan.startup.failed", "message": ""})
        self.error = error


class _Talk:
    """What an application and uvicorn say to each other in one lifespan."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self.pass_on = send
        self.has_received = False
        self.has_sent_other = False
        self.is_started = False
        self.refusal: str | None = None
        self.has_said_the_end = False
        self.has_said_shutdown_failed = False

    async def receive(self) -> Message:
        self.has_received = True
        return await self._receive()

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self.is_started = True
            case "lifespan.startup.failed":
                self.refusal = message.get("message", "")
                # uvicorn would log it, which may be the traceback of what is raised next.
                message = {"type": "lifespan.startup.failed", "message": ""}
            case "lifespan.shutdown.complete":
                self.has_said_the_end = True
            case "lifespan.shutdown.failed":
                self.has_said_the_end = self.has_said_shutdown_failed = True
            case _:
                self.has_sent_other = True
        await self.pass_on(message)


def _is_cancelled(error: BaseException) -> bool:
    task = asyncio.current_task()
    is_told_to_end = task is not None and task.cancelling() > 0
    return isinstance(error, asyncio.CancelledError) and is_told_to_end
