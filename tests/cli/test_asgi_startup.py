"""What uvicorn makes of a lifespan, with our word in between. Its own lifespan, no server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.asgi_without_lifespan import WITHOUT_LIFESPAN
from wiverno.cli.asgi_startup import WatchedApplication
from wiverno.core.asgi_types import ASGIApplication, Receive, Scope, Send

uvicorn_lifespan = pytest.importorskip("uvicorn.lifespan.on")

Step = Callable[[Scope, Receive, Send], Awaitable[None]]


def live(application: ASGIApplication) -> tuple[WatchedApplication, Any, bool]:
    """Its lifespan under uvicorn; whether uvicorn refuses to serve it."""
    from uvicorn import Config

    watched = WatchedApplication(application)

    async def start_and_end() -> tuple[Any, bool]:
        lifespan = uvicorn_lifespan.LifespanOn(Config(watched, lifespan="auto", log_config=None))
        await lifespan.startup()
        is_refused = lifespan.should_exit
        if not is_refused:
            await lifespan.shutdown()
        return lifespan, is_refused

    return watched, *asyncio.run(asyncio.wait_for(start_and_end(), 5))


async def raises_in_start_up(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    raise RuntimeError("no database")


async def raises_behind_its_refusal(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback: no database"})
    raise RuntimeError("no database")


async def exits(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    raise SystemExit("no database")


@pytest.mark.parametrize("application", [raises_in_start_up, raises_behind_its_refusal, exits])
def test_application_when_its_start_up_raises_is_refused_and_the_error_kept(
    application: ASGIApplication, caplog: pytest.LogCaptureFixture
) -> None:
    watched, _, is_refused = live(application)

    assert is_refused
    assert str(watched.error) == "no database"
    # It is told once, by whoever has run uvicorn.
    assert "no database" not in caplog.text


async def is_refused_and_returns(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def is_refused_and_waits(scope: Scope, receive: Receive, send: Send) -> None:
    await is_refused_and_returns(scope, receive, send)
    await receive()


@pytest.mark.parametrize("application", [is_refused_and_returns, is_refused_and_waits])
def test_application_when_it_says_that_it_cannot_start_is_refused_and_its_words_kept(
    application: ASGIApplication,
) -> None:
    watched, _, is_refused = live(application)

    assert (is_refused, watched.error, watched.refusal) == (True, None, "no database")


@pytest.mark.parametrize("application", WITHOUT_LIFESPAN)
def test_application_that_knows_no_lifespan_is_served(application: ASGIApplication) -> None:
    watched, _, is_refused = live(application)

    assert (is_refused, watched.error, watched.refusal) == (False, None, None)


def test_application_when_it_starts_keeps_its_state_and_hears_of_its_end() -> None:
    told: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        told.append((await receive())["type"])
        scope["state"]["database"] = "open"
        await send({"type": "lifespan.startup.complete"})
        told.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    _, lifespan, is_refused = live(application)

    assert told == ["lifespan.startup", "lifespan.shutdown"]
    assert (is_refused, lifespan.state) == (False, {"database": "open"})


@pytest.mark.parametrize("last", ["raise", "say", "say and raise", "complete and raise"])
def test_application_when_its_shutdown_fails_is_told_once(
    last: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if last.startswith("say"):
            await send({"type": "lifespan.shutdown.failed", "message": "still open"})
        elif last.startswith("complete"):
            await send({"type": "lifespan.shutdown.complete"})
        if last.endswith("raise"):
            raise LookupError("still open")

    with caplog.at_level(logging.INFO):
        live(application)

    assert sum("still open" in line for line in shown_lines(caplog)) == 1
    assert "unsupported" not in caplog.text


def shown_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The last line of each record, which of a traceback is what was raised."""
    shown = [logging.Formatter().format(each) for each in caplog.records]
    return [each.splitlines()[-1] for each in shown]
