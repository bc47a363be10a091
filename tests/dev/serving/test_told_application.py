"""One line per request, in order, and the header that names the generation."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from wiverno.core.server.connection import ClientGoneError
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication
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


def call(application: Any, environ: Environ = ENVIRON) -> tuple[Iterable[bytes], list[Any]]:
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        started.append((status, headers))

    return application(environ, start_response), started


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


def failing(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    raise ValueError("no <note>")


def failing_stream(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b""
    raise ValueError("no <note>")


@pytest.mark.parametrize("application", [failing, failing_stream])
@pytest.mark.parametrize(
    ("accept", "kind", "said"),
    [
        ("text/html", "text/html; charset=utf-8", "no &lt;note&gt;"),
        ("*/*", "text/plain; charset=utf-8", "ValueError: no <note>"),
        ("application/json", "application/json", '"message": "no <note>"'),
    ],
)
def test_exception_that_the_application_lets_through_is_a_page(
    told: list[str],
    caplog: pytest.LogCaptureFixture,
    application: WSGIApplication,
    accept: str,
    kind: str,
    said: str,
) -> None:
    environ = ENVIRON | {"HTTP_ACCEPT": accept}
    result, started = call(ToldApplication(application, Telling(4)), environ)
    body = b"".join(result).decode()

    status, headers = started[-1]
    assert (status, said in body, "/path?q=1" in body) == ("500 Internal Server Error", True, True)
    assert ("Content-Type", kind) in headers
    assert ("X-Wiverno-Generation", "4") in headers
    # There is an application: tools that wait for one must not take this for a failed build.
    assert "X-Wiverno-Error" not in dict(headers)
    assert told[0] == "line 500 Internal Server Error"
    assert "The application failed at GET '/path?q=1'" in caplog.text
    assert caplog.text.count("ValueError: no <note>") == 1


def test_exception_is_a_page_about_the_request_that_came_whatever_became_of_its_environ(
    told: list[str],
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        environ.clear()
        raise ValueError("no note")

    environ = ENVIRON | {"REQUEST_METHOD": "HEAD"}
    result, started = call(ToldApplication(application, Telling(4)), environ)

    assert list(result) == []  # to HEAD
    assert started[-1][0] == "500 Internal Server Error"


def test_exception_behind_the_first_bytes_is_left_to_the_server(told: list[str]) -> None:
    error = ValueError("late")

    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        raise error

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        if exc_info:  # As PEP 3333 wants it once the head is out.
            raise exc_info[1]

    result = ToldApplication(application, Telling(4))(ENVIRON, start_response)
    with pytest.raises(ValueError, match="late") as caught:
        list(result)

    assert caught.value is error
    assert told[0] == "line 200 OK"


def test_client_that_has_gone_is_no_failure_of_the_application(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        raise ClientGoneError

    with pytest.raises(ClientGoneError):
        call(ToldApplication(application, Telling(4)))
    assert caplog.text == ""


def test_exception_while_nobody_knows_the_generation_is_left_to_the_server(
    told: list[str],
) -> None:
    with pytest.raises(ValueError, match="no <note>"):
        call(ToldApplication(failing, Telling()))


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
