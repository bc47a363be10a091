"""TestClient: what an application sees of its requests, and what comes back."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.application.wsgi_client import environ_for
from wiverno import HTTPError, Request, Wiverno
from wiverno.core.wsgi_types import Environ, StartResponse
from wiverno.testing import TestClient


class Recorder:
    """An application that keeps the environs of its requests."""

    def __init__(self, headers: Iterable[tuple[str, str]] = (), status: str = "200 OK") -> None:
        self.environs: list[Environ] = []
        self.bodies: list[bytes] = []
        self.calls: list[str] = []
        self._status = status
        self._headers = list(headers)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        self.calls.append(environ["REQUEST_METHOD"])
        start_response(self._status, self._headers)
        return [b"Hello"]

    def startup(self) -> None:
        self.calls.append("startup")

    def shutdown(self) -> None:
        self.calls.append("shutdown")


def answering(function: Callable[[StartResponse], Iterable[bytes]]) -> TestClient:
    return TestClient(lambda environ, start_response: function(start_response))


def test_request_when_sent_is_answered_by_the_application() -> None:
    response = TestClient(Recorder([("X-A", "1"), ("X-A", "2")], "201 Created")).get("/")

    assert (response.status_code, response.reason_phrase) == (201, "Created")
    assert response.text == "Hello"
    assert response.headers.get_list("x-a") == ["1", "2"]


@pytest.mark.parametrize(
    ("path", "path_info"),
    [
        ("/", "/"),
        ("/café/€", "/café/€".encode().decode("latin-1")),
        ("/caf%C3%A9", "/café".encode().decode("latin-1")),
        ("/%FF", "/\xff"),
        ("/a%2Fb", "/a/b"),
        ("/a%20b", "/a b"),
        ("/a//b/", "/a//b/"),
    ],
)
def test_path_when_sent_arrives_as_pep_3333_says(path: str, path_info: str) -> None:
    app = Recorder()
    TestClient(app).get(path)

    assert app.environs[0]["PATH_INFO"] == path_info


def test_environ_when_made_has_all_that_a_server_gives() -> None:
    app = Recorder()
    TestClient(app).post("/a?b=c%20d&e", content=b"body", headers={"X-Y": "z"})
    environ = app.environs[0]

    assert set(environ_for()) - set(environ) <= {"wsgi.file_wrapper"}
    assert {key: environ[key] for key in ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_LENGTH")} == {
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": "b=c%20d&e",
        "CONTENT_LENGTH": "4",
    }
    assert environ["HTTP_X_Y"] == "z"
    assert environ["HTTP_HOST"] == "testserver"
    assert environ["wsgi.url_scheme"] == "http"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("testserver", "80")
    assert app.bodies == [b"body"]


def test_scheme_when_the_base_url_is_https_is_secure() -> None:
    app = Recorder()
    TestClient(app, base_url="https://shop.example").get("/")

    assert app.environs[0]["wsgi.url_scheme"] == "https"
    assert app.environs[0]["SERVER_PORT"] == "443"


def test_headers_when_one_is_repeated_arrive_as_one_list() -> None:
    app = Recorder()
    headers = [("X-A", "1"), ("X-A", "2"), ("Cookie", "a=1"), ("Cookie", "b=2")]
    TestClient(app).get("/", headers=headers)

    assert app.environs[0]["HTTP_X_A"] == "1, 2"
    assert app.environs[0]["HTTP_COOKIE"] == "a=1; b=2"


def test_headers_when_not_ascii_are_latin_1_both_ways() -> None:
    app = Recorder([("X-Name", "é")])
    response = TestClient(app).get("/", headers=[(b"X-Name", b"\xe9")])

    assert app.environs[0]["HTTP_X_NAME"] == "é"
    assert response.headers["X-Name"] == "é"


def test_body_when_sent_in_pieces_arrives_whole() -> None:
    app = Recorder()
    TestClient(app).post("/", content=iter([b"ab", b"c"]))

    assert app.bodies == [b"abc"]
    assert app.environs[0]["CONTENT_LENGTH"] == "3"


def test_cookies_when_set_come_with_the_next_request() -> None:
    app = Recorder([("Set-Cookie", "session=abc; Path=/; HttpOnly; SameSite=Lax")])
    client = TestClient(app)
    client.get("/")
    client.get("/")

    assert "HTTP_COOKIE" not in app.environs[0]
    assert app.environs[1]["HTTP_COOKIE"] == "session=abc"


@pytest.mark.parametrize("is_followed", [False, True])
def test_redirect_when_answered_is_followed_if_asked_for(is_followed: bool) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/old":
            start_response("302 Found", [("Location", "/new")])
            return []
        start_response("200 OK", [])
        return [b"new"]

    response = TestClient(app, follow_redirects=is_followed).get("/old")

    assert response.status_code == (200 if is_followed else 302)


def test_with_block_when_entered_and_left_runs_startup_and_shutdown() -> None:
    app = Recorder()
    with TestClient(app) as client:
        client.get("/")

    assert app.calls == ["startup", "GET", "shutdown"]


def test_with_block_when_it_raises_still_runs_shutdown() -> None:
    app = Recorder()
    with pytest.raises(KeyError), TestClient(app):
        raise KeyError("x")

    assert app.calls == ["startup", "shutdown"]


def test_with_block_when_startup_fails_raises_that_and_closes() -> None:
    class Broken(Recorder):
        def startup(self) -> None:
            raise OSError("no database")

    client = TestClient(Broken())
    with pytest.raises(OSError, match="no database"), client:
        raise AssertionError("the block must not run")
    assert client.is_closed


def test_with_block_when_the_application_is_any_callable_needs_neither() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return []

    with TestClient(app) as client:
        assert client.get("/").status_code == 200


def test_start_response_when_called_by_the_first_chunk_is_in_time() -> None:
    def late(start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        yield b"a"
        yield b"b"

    assert answering(late).get("/").content == b"ab"


def test_write_when_used_comes_before_the_rest() -> None:
    def old_style(start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        return [b"b"]

    assert answering(old_style).get("/").content == b"ab"


def test_result_when_read_is_closed() -> None:
    class Result:
        closed = 0

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"b"])

        def close(self) -> None:
            self.closed += 1

    result = Result()

    def start(start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return result

    assert answering(start).get("/").content == b"ab"
    assert result.closed == 1


def test_stream_when_read_in_pieces_is_not_read_ahead() -> None:
    made: list[int] = []

    def endless(start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        while True:
            made.append(1)
            yield b"x"

    with answering(endless).stream("GET", "/") as response:
        chunks = response.iter_raw()
        assert [next(chunks) for _ in range(3)] == [b"x"] * 3

    assert len(made) <= 4


def test_application_when_it_raises_is_not_hidden() -> None:
    def broken(start_response: StartResponse) -> Iterable[bytes]:
        raise ZeroDivisionError("in the view")

    with pytest.raises(ZeroDivisionError, match="in the view"):
        answering(broken).get("/")


@pytest.mark.parametrize("is_raised", [False, True])
def test_error_when_the_application_reports_it_is_raised_if_asked_for(is_raised: bool) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            raise ValueError("reported")  # noqa: TRY301 - so that there is something to report
        except ValueError:
            start_response("500 Internal Server Error", [], sys.exc_info())
        return [b"sorry"]

    client = TestClient(app, raise_app_exceptions=is_raised)

    if is_raised:
        with pytest.raises(ValueError, match="reported"):
            client.get("/")
    else:
        assert client.get("/").text == "sorry"


@pytest.mark.parametrize("is_raised", [False, True])
def test_error_when_a_view_raises_it_is_raised_if_asked_for(is_raised: bool) -> None:
    app = Wiverno()
    app.add_route("/", lambda request: request.headers["missing"])

    client = app.test_client(raise_app_exceptions=is_raised)

    if is_raised:
        with pytest.raises(KeyError, match="Missing"):
            client.get("/")
    else:
        assert client.get("/").status_code == 500


@pytest.mark.parametrize("error", [HTTPError(404), LookupError()])
def test_error_when_it_is_an_answer_is_not_raised(error: Exception) -> None:
    app = Wiverno()
    app.error_handler(LookupError)(lambda request, error: (404, ""))

    @app.get("/")
    def home(request: Request) -> str:
        raise error

    assert app.test_client(raise_app_exceptions=True).get("/").status_code == 404


def test_error_when_its_page_fails_raises_what_the_view_raised() -> None:
    def broken(request: Request, report: str | None) -> str:
        raise RuntimeError("in the page")

    app = Wiverno(page_500=broken)
    app.add_route("/", lambda request: request.headers["missing"])

    with pytest.raises(KeyError, match="Missing"):
        app.test_client(raise_app_exceptions=True).get("/")


@pytest.mark.parametrize("calls", [0, 2])
def test_start_response_when_not_called_once_is_an_error(calls: int) -> None:
    def app(start_response: StartResponse) -> Iterable[bytes]:
        for _ in range(calls):
            start_response("200 OK", [])
        return []

    with pytest.raises(RuntimeError, match="start_response"):
        answering(app).get("/")


def test_client_when_the_environment_names_a_proxy_ignores_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")

    assert TestClient(Recorder()).get("/").text == "Hello"


@pytest.mark.processes
def test_client_when_httpx_is_missing_names_the_extra() -> None:
    program = (
        "import sys\n"
        "sys.modules['httpx'] = None\n"
        "from wiverno.core.exceptions import MissingExtraError\n"
        "try:\n"
        "    import wiverno.testing\n"
        "except MissingExtraError as error:\n"
        "    assert \"pip install 'wiverno[testing]'\" in str(error), error\n"
        "else:\n"
        "    raise AssertionError('imported')\n"
    )

    done: Any = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
