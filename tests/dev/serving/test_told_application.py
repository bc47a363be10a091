"""One line per request, in order, and the header that names the generation."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from wiverno.core.wsgi_types import Environ, StartResponse
from wiverno.dev.serving.access_line import AccessLine, format_access_line
from wiverno.dev.serving.telling import Telling
from wiverno.dev.serving.wsgi import ToldApplication

ENVIRON: Environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/path?q=1"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was told so far: chunks by the tests, lines by the application."""
    told: list[str] = []
    monkeypatch.setattr(AccessLine, "show", lambda line: told.append(f"line {line.status}"))
    return told


def call(application: Any) -> tuple[Iterable[bytes], list[Any]]:
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        started.append((status, headers))

    return application(ENVIRON, start_response), started


def test_list_is_told_before_it_is_sent(told: list[str]) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [b"body"]

    result, started = call(ToldApplication(application, Telling(4)))

    assert told == ["line 200 OK"]
    assert result == [b"body"]
    assert started == [("200 OK", [("X-Wiverno-Generation", "4")])]


def test_stream_is_told_when_its_first_chunk_is_made(told: list[str]) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("201 Created", [])
        yield b"one"

    result, _ = call(ToldApplication(application, Telling(4)))
    before = list(told)
    chunks = list(result)

    assert before == []
    assert chunks == [b"one"]
    assert told[0] == "line 201 Created"


def test_failure_is_told_as_500(told: list[str]) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call(ToldApplication(application, Telling(4)))
    assert told == ["line 500"]


def test_close_of_the_application_is_called() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([])

        def close(self) -> None:
            closed.append(True)

    result, _ = call(ToldApplication(lambda environ, start_response: Body(), Telling(1)))
    result.close()  # type: ignore[attr-defined]  # servers look for it

    assert closed == [True]


def test_line_is_shown_once(capfd: pytest.CaptureFixture[str]) -> None:
    line = AccessLine("GET", "/path?q=1")
    line.show()
    line.show()

    assert capfd.readouterr().out.count("GET /path?q=1 500") == 1


def test_line_shows_controls_and_foreign_letters_in_ascii() -> None:
    line = format_access_line("12:00:00", "GET", "/\x1b[2J\u00e4", "200 OK", 1.25, coloured=False)

    assert line == r"12:00:00 GET /\x1b[2J\xe4 200 1.2 ms"
