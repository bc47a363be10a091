"""One line for each answer of an ASGI application, and the header that names the generation."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from wiverno.core.asgi_types import Message, Receive, Scope, Send
from wiverno.dev.serving.access_line import AccessLine
from wiverno.dev.serving.request_notes import RequestNotes, requests_in
from wiverno.dev.serving.telling import Telling
from wiverno.dev.serving.told_asgi import CUT_AT_THE_DEADLINE, ToldASGIApplication

SCOPE: Scope = {
    "type": "http",
    "method": "GET",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"q=1",
}
TAG = (b"x-wiverno-generation", b"4")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was told so far, in order: lines, and the messages to the server."""
    told: list[str] = []
    shown: set[int] = set()

    def show(line: AccessLine) -> None:
        if id(line) not in shown:
            shown.add(id(line))
            told.append(f"line {line.status}")

    monkeypatch.setattr(AccessLine, "show", show)
    return told


def call(
    application: Any, told: list[str], scope: Scope = SCOPE, telling: Telling | None = None
) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message["type"])
        sent.append(message)

    async def receive() -> Message:
        return {}

    asyncio.run(ToldASGIApplication(application, telling or Telling(4))(scope, receive, send))
    return sent


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body"})


def test_answer_is_tagged_and_told_before_its_first_part_is_sent(told: list[str]) -> None:
    sent = call(stream, told)

    assert told == [
        "http.response.start",
        "line 201",
        "http.response.body",
        "http.response.body",
    ]
    assert sent[0]["headers"] == [(b"a", b"b"), TAG]


@pytest.mark.parametrize("error", [LookupError, SystemExit])
def test_failure_before_the_answer_is_a_tagged_500_and_still_an_exception(
    told: list[str], error: type[BaseException]
) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    with pytest.raises(error):
        call(application, told)
    assert told == ["http.response.start", "line 500", "http.response.body"]


def test_failure_within_the_answer_adds_nothing_to_it(told: list[str]) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await stream(scope, receive, send)
        raise LookupError

    with pytest.raises(LookupError):
        call(application, told)
    assert told.count("http.response.start") == 1


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"type": "websocket.accept"}, "line 101"),
        ({"type": "websocket.close"}, "line 403"),
    ],
)
def test_websocket_is_told_when_it_is_answered(
    told: list[str], message: Message, line: str
) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(message)
        await send({"type": "websocket.close"})

    scope = {**SCOPE, "type": "websocket"}
    del scope["method"]
    sent = call(application, told, scope)

    assert told[0] == line
    assert (TAG in sent[0].get("headers", ())) is (line == "line 101")


def test_cancellation_at_the_deadline_is_no_error(told: list[str]) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError(CUT_AT_THE_DEADLINE)

    call(application, told)

    assert told == ["line 500"]


def test_cancellation_of_the_applications_own_comes_through(told: list[str]) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        call(application, told)


class DisconnectError(Exception):
    """As frameworks raise it where a WebSocket was closed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def test_close_for_a_restart_that_the_application_does_not_catch_is_no_error(
    told: list[str],
) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise DisconnectError(1012)

    call(application, told, {**SCOPE, "type": "websocket"})

    assert told == ["line 101", "websocket.accept"]


def test_close_that_the_application_meets_where_it_sends_is_no_error(
    told: list[str],
) -> None:
    async def send_in_vain(message: Message) -> None:
        raise OSError("closed")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(OSError, match="closed"):
            await send({"type": "websocket.send", "text": "x"})
        raise DisconnectError(1006)

    scope: Scope = {**SCOPE, "type": "websocket"}
    asyncio.run(ToldASGIApplication(application, Telling(4))(scope, never, send_in_vain))


async def never() -> Message:
    raise AssertionError("nobody asked for a message")


@pytest.mark.parametrize(
    ("kind", "code"), [("websocket", 1001), ("websocket", 1006), ("http", 1012)]
)
def test_other_codes_and_kinds_are_errors_as_ever(told: list[str], kind: str, code: int) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise DisconnectError(code)

    with pytest.raises(DisconnectError):
        call(application, told, {**SCOPE, "type": kind})


@pytest.fixture
def notes_fd() -> Iterator[int]:
    fd = os.memfd_create("notes")
    yield fd
    os.close(fd)


def test_requests_under_way_are_noted_each_by_itself(told: list[str], notes_fd: int) -> None:
    notes = RequestNotes(notes_fd)
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(sorted(requests_in(os.pread(notes_fd, 1 << 16, 0))))

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        look()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        other = ToldASGIApplication(inner, Telling(notes=notes))
        await other({**scope, "raw_path": b"/other"}, receive, send)
        look()

    call(application, told, telling=Telling(notes=notes))
    look()

    assert seen == [["GET /a%20b?q=1", "GET /other?q=1"], ["GET /a%20b?q=1"], []]


def test_more_requests_than_slots_are_answered_unnoted(notes_fd: int) -> None:
    notes = RequestNotes(notes_fd)
    slots = [notes.begin_one_of_many("GET", f"/{number}") for number in range(70)]
    for slot in slots:
        notes.end_one_of_many(slot)

    assert slots.count(None) == 6
    assert requests_in(os.pread(notes_fd, 1 << 16, 0)) == []
