"""`wsgiref.validate` between RunServer and applications finds nothing that the server does wrong.

The validator raises inside the application, so each complaint is a 500 that the server logs
with its traceback; a warning is an error here as in every test.
"""

import importlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from wsgiref.validate import validator

import pytest
from httpbin import app as httpbin

from tests.applications import servers
from tests.applications.httpbin_routes import ROUTES
from tests.applications.sample_requests import FORM, REQUESTS
from tests.applications.wire import Request, Response, parse_response
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication

TEXT = [("Content-Type", "text/plain")]
# What the validator may say about the applications, who alone choose their fields, and
# about the client, who chooses the method.
ABOUT_OTHERS = (
    "Content-Type header found in a 204 response",
    "No Content-Type header found in headers",
    "Unknown REQUEST_METHOD: 'BREW'",
)


class OnPurposeError(Exception):
    """What an application of these tests raises."""


def fail() -> None:
    raise OnPurposeError


def validated(application: WSGIApplication) -> WSGIApplication:
    checked: WSGIApplication = validator(application)
    return checked


def ask(address: servers.Address, request: Request) -> Response:
    return parse_response(servers.exchange(address, request.encode()), request.method)


@pytest.fixture(scope="module")
def address() -> Iterator[servers.Address]:
    """Where `corners` is served, behind the validator."""
    with servers.run_server(validated(corners)) as address:
        yield address


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the server has logged as the application's exceptions, and its other errors."""
    caplog.set_level(logging.WARNING, "wiverno.core.server")

    def found() -> list[str]:
        return [
            repr(record.exc_info[1]) if record.exc_info else record.getMessage()
            for record in caplog.records
            if record.name.startswith("wiverno")
        ]

    return found


@pytest.mark.parametrize("framework", ["flask", "bottle", "django", "httpbin"])
def test_real_application_behind_the_validator_gives_no_complaint_about_the_server(
    framework: str, complaints: Callable[[], list[str]]
) -> None:
    application: WSGIApplication = httpbin
    requests = ROUTES
    if framework != "httpbin":
        module = importlib.import_module(f"tests.applications.samples.{framework}_sample")
        application = module.application
        # Bottle leaves a file open where it refuses a range.
        requests = {name: each for name, each in REQUESTS.items() if "out of bounds" not in name}
    with servers.run_server(validated(application)) as address:
        responses = [ask(address, request) for request in requests.values()]
    about_server = [
        each for each in complaints() if not any(known in each for known in ABOUT_OTHERS)
    ]
    assert about_server == []
    # Not because nothing was answered.
    assert len([each for each in responses if each.status[:3] == "200"]) >= 20


def read_by_size(environ: Environ) -> Iterable[bytes]:
    return iter(lambda: environ["wsgi.input"].read(7), b"")


def read_lines(environ: Environ) -> Iterable[bytes]:
    return iter(environ["wsgi.input"].readline, b"")


def read_short_lines(environ: Environ) -> Iterable[bytes]:
    return iter(lambda: environ["wsgi.input"].readline(3), b"")


def read_all_lines(environ: Environ) -> Iterable[bytes]:
    lines: list[bytes] = environ["wsgi.input"].readlines(5)
    return [*lines, *environ["wsgi.input"].readlines()]


def read_by_iteration(environ: Environ) -> Iterable[bytes]:
    body: Iterable[bytes] = environ["wsgi.input"]
    return body


READERS = {
    each.__name__: each
    for each in (read_by_size, read_lines, read_short_lines, read_all_lines, read_by_iteration)
}


def corners(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Everything that PEP 3333 lets an application do, by the path of the request."""
    name = environ["PATH_INFO"][1:]
    return CORNERS[name](environ, start_response)


def as_list(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    return [b"a", b"", b"bc"]


def as_nothing(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    return []


def as_stream(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    yield b""
    yield b"a"
    yield b"bc"


def with_length(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "3")])
    yield b"a"
    yield b"bc"


def as_file(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](BytesIO(b"abc"), 2)
    return wrapped


def by_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", TEXT)
    write(b"")
    write(b"a")
    write(b"b")
    return [b"c"]


def by_write_alone(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "3")])(b"abc")
    return []


def started_again(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "1000"), ("X-First", "1")])
    try:
        fail()
    except OnPurposeError:
        start_response("503 Sorry", TEXT, sys.exc_info())
    return [b"abc"]


def started_again_while_iterating(
    environ: Environ, start_response: StartResponse
) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    yield b""
    try:
        fail()
    except OnPurposeError:
        start_response("503 Sorry", TEXT, sys.exc_info())
    yield b"abc"


def started_again_too_late(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    yield b"abc"
    try:
        fail()
    except OnPurposeError:
        start_response("503 Sorry", TEXT, sys.exc_info())
    yield b"never"


def started_again_after_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)(b"abc")
    try:
        fail()
    except OnPurposeError:
        start_response("503 Sorry", TEXT, sys.exc_info())
    return [b"never"]


def failing_at_once(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise OnPurposeError


def failing_after_start(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    raise OnPurposeError


def failing_before_data(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    yield b""
    raise OnPurposeError


def failing_amid_data(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    yield b"abc"
    raise OnPurposeError


def without_content(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("204 No Content", [])
    return []


def errors_stream(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.errors"].write("")
    environ["wsgi.errors"].writelines([""])
    environ["wsgi.errors"].flush()
    start_response("200 OK", TEXT)
    return [b"abc"]


def echo(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    pieces = list(READERS[environ["QUERY_STRING"]](environ))
    start_response("200 OK", TEXT)
    return [*pieces, b"|", b"%d" % len(pieces)]


CORNERS = {
    each.__name__: each
    for each in (
        *(as_list, as_nothing, as_stream, with_length, as_file, by_write, by_write_alone),
        *(started_again, started_again_while_iterating, without_content, errors_stream, echo),
        *(started_again_too_late, started_again_after_write),
        *(failing_at_once, failing_after_start, failing_before_data, failing_amid_data),
    )
}
STATUSES = {
    "started_again": "503 Sorry",
    "started_again_while_iterating": "503 Sorry",
    "without_content": "204 No Content",
}
CUT = ("started_again_too_late", "started_again_after_write", "failing_amid_data")
FAILED = ("failing_at_once", "failing_after_start", "failing_before_data")


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", [name for name in CORNERS if name not in (*CUT, *FAILED, "echo")])
def test_corner_of_pep_3333_is_answered_whole(
    name: str,
    method: str,
    version: str,
    address: servers.Address,
    complaints: Callable[[], list[str]],
) -> None:
    has_body = method == "GET" and name not in ("without_content", "as_nothing")
    response = ask(address, Request(f"/{name}", method, version=version))
    assert response.status == STATUSES.get(name, "200 OK")
    assert (response.body, response.surplus) == (b"abc" if has_body else b"", b"")
    assert response.values("x-first") == []
    assert (version, response.framing) != ("HTTP/1.0", "chunked")
    assert complaints() == []


@pytest.mark.parametrize("name", FAILED)
def test_failure_before_the_head_is_a_500(
    name: str, address: servers.Address, complaints: Callable[[], list[str]]
) -> None:
    response = ask(address, Request(f"/{name}"))
    assert response.status == "500 Internal Server Error"
    assert complaints() == ["OnPurposeError()"]


@pytest.mark.parametrize("name", CUT)
def test_failure_after_the_head_cuts_the_answer(
    name: str, address: servers.Address, complaints: Callable[[], list[str]]
) -> None:
    received = servers.exchange(address, Request(f"/{name}", keep_alive=True).encode())
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n3\r\nabc\r\n")  # No last chunk.
    assert complaints() == ["OnPurposeError()"]


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("reader", READERS)
def test_body_read_in_any_way_arrives_whole(
    reader: str,
    method: str,
    is_chunked: bool,
    address: servers.Address,
    complaints: Callable[[], list[str]],
) -> None:
    body = b"first line\n\nthird\r\nlast without an end"
    request = Request(f"/echo?{reader}", method, (FORM,), body)
    if is_chunked:
        request = Request(f"/echo?{reader}", method, (FORM,), chunks=(body[:13], body[13:]))
    response = ask(address, request)
    expected = list(READERS[reader]({"wsgi.input": BytesIO(body)}))
    assert response.body == b"".join(expected) + b"|%d" % len(expected)
    assert complaints() == []


def test_options_of_the_server_as_a_whole_has_a_path_of_nothing(
    complaints: Callable[[], list[str]],
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", TEXT)
        return [f"{environ['PATH_INFO']!r} {environ['REQUEST_URI']!r}".encode()]

    with servers.run_server(validated(application)) as address:
        # RFC 3875 section 4.1.5: PATH_INFO is empty or begins with a slash.
        assert ask(address, Request("*", "OPTIONS")).body == b"'' '*'"
    assert complaints() == []


@pytest.mark.parametrize(
    ("key", "value"), [("SERVER_PORT", 80), ("PATH_INFO", "path"), ("HTTP_CONTENT_LENGTH", "0")]
)
def test_environ_that_breaks_pep_3333_is_complained_about(
    key: str, value: object, complaints: Callable[[], list[str]]
) -> None:
    checked = validated(corners)

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[key] = value
        return checked(environ, start_response)

    with servers.run_server(application) as address:
        assert ask(address, Request("/as_list")).status == "500 Internal Server Error"
    assert [key in each for each in complaints()] == [True]
