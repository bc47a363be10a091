"""What the lifespan of an ASGI application comes to, by what the application does with it."""

import asyncio
import logging
from typing import Any

import pytest

from tests.asgi_without_lifespan import WITHOUT_LIFESPAN
from wiverno.core.asgi_types import ASGIApplication, Receive, Scope, Send
from wiverno.dev.serving.lifespan import ASGILifespan, LifespanStartupError


def run(application: ASGIApplication) -> ASGILifespan:
    """Start it and end it."""

    async def live() -> ASGILifespan:
        lifespan = ASGILifespan(application)
        await lifespan.startup()
        was_started = lifespan.is_started
        await lifespan.shutdown()
        lifespan.is_started = was_started
        return lifespan

    return asyncio.run(asyncio.wait_for(live(), 5))


async def answer(send: Send, what: str, **values: Any) -> None:
    await send({"type": f"lifespan.{what}", **values})


def test_state_of_the_start_up_is_kept_for_requests() -> None:
    told: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        told.append((await receive())["type"])
        scope["state"]["database"] = "open"
        await answer(send, "startup.complete")
        told.append((await receive())["type"])
        await answer(send, "shutdown.complete")

    lifespan = run(application)

    assert told == ["lifespan.startup", "lifespan.shutdown"]
    assert lifespan.state == {"database": "open"}


@pytest.mark.parametrize("application", WITHOUT_LIFESPAN)
def test_application_that_knows_no_lifespan_has_none(application: ASGIApplication) -> None:
    assert not run(application).is_started


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    raise LookupError("no database")


async def says_so(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await answer(send, "startup.failed", message="no database")


async def says_so_and_raises(scope: Scope, receive: Receive, send: Send) -> None:
    await says_so(scope, receive, send)
    raise LookupError("no database")


async def exits(scope: Scope, receive: Receive, send: Send) -> None:
    raise SystemExit("no database")


async def asks_for_another_key(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    raise KeyError("no database")


@pytest.mark.parametrize(
    ("application", "error"),
    [
        (raises, LookupError),
        (says_so, LifespanStartupError),
        (says_so_and_raises, LookupError),
        (exits, SystemExit),
        (asks_for_another_key, KeyError),
    ],
)
def test_start_up_that_fails_raises_what_the_application_raised(
    application: ASGIApplication, error: type[BaseException]
) -> None:
    with pytest.raises(error, match="no database"):
        run(application)


def test_start_up_that_was_refused_without_a_word_says_that() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(send, "startup.failed")

    with pytest.raises(LifespanStartupError, match="it did not say why"):
        run(application)


@pytest.mark.parametrize("last", ["raise", "say", "return"])
def test_shutdown_that_fails_is_logged_and_over(
    last: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(send, "startup.complete")
        await receive()
        if last == "raise":
            raise LookupError("still open")
        if last == "say":
            await answer(send, "shutdown.failed", message="still open")

    with caplog.at_level(logging.ERROR):
        assert run(application).is_started

    assert ("still open" in caplog.text) is (last != "return")


def test_application_that_ended_after_its_start_up_is_ended_at_once() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(send, "startup.complete")

    assert run(application).is_started
