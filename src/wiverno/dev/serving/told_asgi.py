"""An ASGI application as a worker serves it: each answer is told in a line and tagged."""

import asyncio
from urllib.parse import quote

from wiverno.core.asgi_types import ASGIApplication, Message, Receive, Scope, Send
from wiverno.dev.serving.access_line import AccessLine
from wiverno.dev.serving.telling import Telling

CUT_AT_THE_DEADLINE = "cut at the deadline"
"""The message of a cancellation that is the worker's own."""

# Of the answer to a WebSocket's request: RFC 6455 section 4.2.2, the ASGI specification.
_ACCEPTED = 101
_REFUSED = 403
# Why a WebSocket is closed for new code, and why one seems to be that nobody closed: RFC 6455
# section 7.4.
_SERVICE_RESTART = 1012
_ABNORMAL = 1006
_FAILED_TEXT = b"Internal Server Error"


class ToldASGIApplication:
    """The header `X-Wiverno-Generation` says which code gave the answer."""

    def __init__(self, application: ASGIApplication, telling: Telling) -> None:
        self._application = application
        self._telling = telling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, target = scope.get("method", "GET"), _target_of(scope)
        answer = _Answer(AccessLine(method, target), self._telling, send)
        notes = self._telling.notes
        slot = None if notes is None else notes.begin_one_of_many(method, target)
        self._telling.request_began()
        try:
            await self._application(scope, receive, answer.send)
        except asyncio.CancelledError as error:
            # Told to its client by the end of the connection; a traceback would tell nobody more.
            if error.args[:1] != (CUT_AT_THE_DEADLINE,):
                raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if scope["type"] == "websocket" and answer.has_ended_with(error):
                # One traceback for each WebSocket at each save.
                return
            if scope["type"] == "http" and not answer.has_begun:
                await answer.fail()
            raise
        finally:
            answer.line.show()
            if notes is not None:
                notes.end_one_of_many(slot)


class _Answer:
    """One answer on its way to the client."""

    def __init__(self, line: AccessLine, telling: Telling, send: Send) -> None:
        self.line = line
        self.has_begun = False
        self._has_lost_client = False
        self._telling = telling
        self._send = send

    async def send(self, message: Message) -> None:
        """What the application calls."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                message = self._begin(message, message["status"])
            case "websocket.accept":
                message = self._begin(message, _ACCEPTED)
                self.line.show()
            case "websocket.close" if not self.has_begun:
                self.line.status = str(_REFUSED)
                self.line.show()
            case "http.response.body" | "websocket.http.response.body":
                self.line.show()
            case _:
                pass
        try:
            await self._send(message)
        except OSError:  # By the ASGI specification: the client is gone, or was told to go.
            self._has_lost_client = True
            raise

    def has_ended_with(self, error: BaseException) -> bool:
        """Does the exception say that this WebSocket was closed, and nothing else?

        So frameworks let the application know of it, where it receives or where it sends.
        """
        code = getattr(error, "code", None)
        return code == _SERVICE_RESTART or (code == _ABNORMAL and self._has_lost_client)

    async def fail(self) -> None:
        """As the server would, but tagged: what the code did is an answer of its generation."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(_FAILED_TEXT)),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": _FAILED_TEXT})

    def _begin(self, message: Message, status: int) -> Message:
        self.has_begun = True
        self.line.status = str(status)
        tags = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in self._tags()]
        return {**message, "headers": [*message.get("headers", ()), *tags]}

    def _tags(self) -> list[tuple[str, str]]:
        # The specification wants the names in lower case.
        return [(name.lower(), text) for name, text in self._telling.tags()]


def _target_of(scope: Scope) -> str:
    """The request target as it was sent, which a server may leave out."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    query: bytes = scope.get("query_string", b"")
    return (raw + b"?" + query if query else raw).decode("latin-1")
