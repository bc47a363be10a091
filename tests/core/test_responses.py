"""Responses: what a view can return, and what of it reaches the server."""

import gzip
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from wsgiref.util import FileWrapper

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.application.wsgi_client import Reply, call, environ_for
from wiverno.core.exceptions import (
    HTTPError,
    InvalidHeaderError,
    InvalidHTTPStatusError,
    InvalidViewResultError,
)
from wiverno.core.responses import Response, response_from
from wiverno.core.wsgi_types import Environ, StartResponse

HTML = "text/html; charset=utf-8"
JSON = "application/json"
CONTENT = bytes(range(256)) * 1000
WRAPPER: dict[str, Any] = {"wsgi.file_wrapper": FileWrapper}


class Source:
    """A stream that knows whether it was closed."""

    def __init__(self, *items: Any, fails: bool = False) -> None:
        self._items = iter(items)
        self.fails = fails
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.fails:
            raise RuntimeError("on purpose")
        return next(self._items)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[BinaryIO]:
    """All files that were opened to be served."""
    files: list[BinaryIO] = []
    system_fdopen = os.fdopen

    def fdopen(descriptor: int, mode: str) -> Any:
        files.append(system_fdopen(descriptor, mode))  # type: ignore[arg-type]  # "rb" is binary.
        return files[-1]

    monkeypatch.setattr("os.fdopen", fdopen)
    return files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(CONTENT)
    os.utime(path, (784111777, 784111777))
    return path


def send(response: Response, method: str = "GET", **extra: Any) -> Reply:
    """Through `finish` and wsgiref's validator."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        finished = response.finish(environ)
        start_response(finished.status, finished.headers)
        return finished.body

    return call(application, method, **extra)


def returned(result: object, method: str = "GET", **extra: Any) -> Reply:
    return send(response_from(result), method, **extra)


# What a view can return


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        ("ü", "200 OK", HTML, "ü".encode()),
        (b"\xff", "200 OK", HTML, b"\xff"),
        (bytearray(b"ab"), "200 OK", HTML, b"ab"),
        (memoryview(b"ab"), "200 OK", HTML, b"ab"),
        ("", "200 OK", HTML, b""),
        ({"a": [1]}, "200 OK", JSON, b'{"a": [1]}'),
        ([], "200 OK", JSON, b"[]"),
        ({"ü": None}, "200 OK", JSON, b'{"\\u00fc": null}'),
        ((201, "made"), "201 Created", HTML, b"made"),
        (("404 NOT FOUND", {}), "404 Not Found", JSON, b"{}"),
        ((200, "x", {}), "200 OK", HTML, b"x"),
        ((200, "x", {"content-type": "text/css"}), "200 OK", "text/css", b"x"),
        ((200, "x", [("Content-Type", "text/css")]), "200 OK", "text/css", b"x"),
        (Response("x", 202), "202 Accepted", HTML, b"x"),
        (Response(), "200 OK", HTML, b""),
    ],
)
def test_result_when_usable_becomes_a_response(
    result: object, status: str, content_type: str, body: bytes
) -> None:
    reply = returned(result)

    assert (reply.status, reply.body) == (status, body)
    assert {name.title(): value for name, value in reply.headers.items()} == {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
    }


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (None, "None"),
        (7, "a int"),
        (1.5, "a float"),
        (True, "a bool"),
        (object(), "a object"),
        ({1, 2}, "a set"),
        (range(3), "a range"),
        ((200, ("a", "b")), "a tuple"),
        ((200, None), "None"),
        ((200, Response("x")), "a Response"),
        ((), "a tuple of 0"),
        (("a",), "a tuple of 1"),
        ((200, "a", {}, "b"), "a tuple of 4"),
        (print, "a builtin_function_or_method"),
    ],
)
def test_result_when_no_body_is_refused_by_name(result: object, named: str) -> None:
    with pytest.raises(InvalidViewResultError, match=f"returned {named}.*Return a"):
        response_from(result)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, {"a": datetime(2020, 1, 1)}, {(1, 2): 3}, {"a": {1}}, b"x"]
)
def test_json_when_it_cannot_say_the_value_is_refused(value: object) -> None:
    with pytest.raises(InvalidViewResultError, match="cannot become JSON"):
        response_from([value])


def test_json_when_in_a_circle_or_too_deep_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    for value in (circle, deep):
        with pytest.raises(InvalidViewResultError, match="cannot become JSON"):
            response_from(value)


@pytest.mark.parametrize("value", [None, 7, "text", [1], {"a": 1}])
def test_json_when_made_takes_any_value(value: object) -> None:
    reply = send(Response.json(value, 201, {"X-A": "b"}))

    assert (reply.status, reply.json()) == ("201 Created", value)
    assert (reply.headers["Content-Type"], reply.headers["X-A"]) == (JSON, "b")


def test_json_when_its_type_is_given_keeps_it() -> None:
    response = Response.json({}, 400, {"Content-Type": "application/problem+json"})

    assert response.headers.getlist("Content-Type") == ["application/problem+json"]


def test_text_when_it_holds_a_surrogate_is_refused() -> None:
    with pytest.raises(InvalidViewResultError, match="half of a character"):
        Response("a\ud800b")


@pytest.mark.parametrize("status", [99, 600, True, "OK", None])
def test_status_when_unusable_is_refused(status: Any) -> None:
    with pytest.raises(InvalidHTTPStatusError):
        Response("", status)


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ("x", "text/plain", "text/plain; charset=utf-8"),
        ("x", "text/plain; charset=ascii", "text/plain; charset=ascii"),
        ("x", "application/xml", "application/xml"),
        (b"x", "text/plain", "text/plain"),
        ({}, "application/ld+json", "application/ld+json"),
    ],
)
def test_content_type_when_given_is_sent(body: Any, content_type: str, sent: str) -> None:
    response = Response(body, headers={"content-type": "a/b"}, content_type=content_type)

    assert response.headers.getlist("Content-Type") == [sent]


def test_response_when_changed_sends_what_it_became() -> None:
    response = Response("old", headers={"Content-Length": "3"})
    assert (response.status, response.status_code, response.body) == ("200 OK", 200, b"old")

    response.status = 404
    response.body = {"a": "new"}
    response.headers["X-A"] = "b"

    reply = send(response)
    assert (reply.status, reply.json()) == ("404 Not Found", {"a": "new"})
    assert reply.headers == {"Content-Type": JSON, "Content-Length": "12", "X-A": "b"}


def test_body_when_replaced_closes_the_old_one_and_keeps_a_type_that_was_set() -> None:
    source = Source()
    response = Response(source, content_type="text/csv")

    response.body = "a,b"

    assert source.closed == 1
    assert response.headers["Content-Type"] == "text/csv"


def test_content_length_when_wrong_for_bytes_is_corrected() -> None:
    assert returned((200, "four", {"Content-Length": "9"})).headers["Content-Length"] == "4"


# Without content


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_status_without_content_when_sent_closes_the_body(status: int, method: str) -> None:
    source = Source(b"a")

    reply = returned((status, source, {"Content-Length": "1", "ETag": '"a"'}), method)

    assert (reply.body, reply.headers, source.closed) == (b"", {"ETag": '"a"'}, 1)


def test_reset_content_when_sent_is_empty_and_says_so() -> None:
    source = Source(b"a")

    reply = returned((205, source))

    assert (reply.body, reply.headers["Content-Length"], source.closed) == (b"", "0", 1)


def test_head_when_sent_keeps_the_length_and_drops_the_body() -> None:
    reply = returned("hello", "HEAD")

    assert (reply.body, reply.headers["Content-Length"]) == (b"", "5")


def test_head_when_its_view_tells_a_length_keeps_it() -> None:
    assert returned((200, "", {"Content-Length": "7"}), "HEAD").headers["Content-Length"] == "7"


def test_head_when_streamed_closes_the_stream_unread() -> None:
    source = Source(fails=True)

    reply = returned(source, "HEAD")

    assert (reply.body, source.closed) == (b"", 1)
    assert "Content-Length" not in reply.headers


# Streams


def test_stream_when_of_bytes_and_text_is_sent_without_a_length() -> None:
    def rows() -> Iterator[bytes | str]:
        yield b"a"
        yield ""
        yield "ü"

    reply = returned((201, rows()))

    assert reply.body == "aü".encode()
    assert reply.headers == {"Content-Type": HTML}


def test_stream_when_its_length_is_given_keeps_it() -> None:
    reply = returned((200, iter([b"ab", b"c"]), {"Content-Length": "3"}))

    assert (reply.body, reply.headers["Content-Length"]) == (b"abc", "3")


@pytest.mark.parametrize("item", [None, 7, ["a"], bytearray(b"a")])
def test_stream_when_an_item_is_neither_bytes_nor_str_says_so(item: Any) -> None:
    source = Source(item)

    with pytest.raises(TypeError, match=rf"gave .*a {type(item).__name__}\. Give bytes or str"):
        returned(source)

    assert source.closed == 1


def test_stream_when_the_client_leaves_is_closed_where_it_stands() -> None:
    steps: list[str] = []

    def rows() -> Iterator[bytes]:
        try:
            for number in range(1000):
                steps.append(str(number))
                yield b"row"
        finally:
            steps.append("closed")

    body: Any = response_from(rows()).finish(environ_for()).body
    next(iter(body))
    body.close()

    assert steps == ["0", "closed"]


def test_stream_when_its_iterator_is_another_object_closes_both() -> None:
    closed: list[str] = []

    class Table:
        def __iter__(self) -> Iterator[bytes]:
            try:
                yield b"a"
                yield b"b"
            finally:
                closed.append("iterator")

        def close(self) -> None:
            closed.append("table")

    body: Any = response_from(Table()).finish(environ_for()).body
    assert next(body) == b"a"
    body.close()

    assert closed == ["iterator", "table"]


def test_stream_when_never_finished_is_closed_by_the_response() -> None:
    source = Source()
    response = Response(source)

    response.close()
    response.close()

    assert source.closed == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((99,), InvalidHTTPStatusError), ((200, {"A": "\n"}), InvalidHeaderError)],
)
def test_stream_when_its_response_cannot_be_made_is_closed(
    arguments: Any, error: type[Exception]
) -> None:
    source = Source()

    with pytest.raises(error):
        Response(source, *arguments)

    assert source.closed == 1


def test_stream_when_finish_fails_is_closed() -> None:
    source = Source()

    with pytest.raises(KeyError):
        Response(source).finish({})

    assert source.closed == 1


# Open files


class ForeignWrapper(FileWrapper):
    """A server's own, which only the server may see through."""


@pytest.mark.parametrize("extra", [{}, WRAPPER])
def test_open_file_when_returned_is_sent_and_closed(path: Path, extra: Any) -> None:
    file = path.open("rb")

    reply = returned((200, file, {"Content-Type": "image/png"}), **extra)

    assert (reply.body, file.closed) == (CONTENT, True)
    assert reply.headers == {"Content-Type": "image/png"}


def test_open_file_when_of_text_is_sent_as_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ü" * 100_000, "latin-1")
    file = (tmp_path / "a").open(encoding="latin-1")

    reply = send(Response(file), **WRAPPER)

    assert (reply.text, file.closed) == ("ü" * 100_000, True)


def finished_body(result: object) -> Any:
    environ = environ_for()
    environ["wsgi.file_wrapper"] = ForeignWrapper
    return response_from(result).finish(environ).body


def test_open_file_when_plain_goes_through_the_servers_wrapper(path: Path) -> None:
    body = finished_body(path.open("rb"))

    assert isinstance(body, ForeignWrapper)
    body.close()


def read_a_byte(path: Path) -> Any:
    file = path.open("rb")
    file.read(1)
    return file


def peeked(path: Path) -> Any:
    file = path.open("rb")
    file.peek(1)
    return file


def packed(path: Path) -> Any:
    path.write_bytes(gzip.compress(CONTENT))
    return gzip.open(path)


@pytest.mark.parametrize(
    ("file_of", "content"),
    [
        (read_a_byte, CONTENT[1:]),
        (peeked, CONTENT),
        (packed, CONTENT),
        (lambda path: io.BytesIO(b"abc"), b"abc"),
        (lambda path: io.StringIO("ü"), "ü".encode()),
    ],
)
def test_open_file_when_its_descriptor_would_send_other_bytes_is_read_here(
    path: Path, file_of: Callable[[Path], Any], content: bytes
) -> None:
    file = file_of(path)
    body = finished_body(file)

    assert not isinstance(body, ForeignWrapper)
    assert b"".join(body) == content
    body.close()
    assert file.closed


# Files by path


@pytest.mark.parametrize("extra", [{}, WRAPPER])
def test_file_when_asked_for_is_sent_with_all_that_is_known(
    path: Path, opened: list[BinaryIO], extra: Any
) -> None:
    reply = send(Response.file(path), **extra)

    assert (reply.status, reply.body) == ("200 OK", CONTENT)
    assert reply.headers == {
        "Content-Type": "image/png",
        "Content-Length": str(len(CONTENT)),
        "Accept-Ranges": "bytes",
        "ETag": f'"{path.stat().st_mtime_ns:x}-{len(CONTENT):x}"',
        "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    assert [file.closed for file in opened] == [True]


def test_file_when_told_more_says_it(path: Path) -> None:
    reply = send(
        Response.file(path, content_type="a/b", download_name="ü.png", max_age_s=60), "HEAD"
    )

    assert reply.headers["Content-Type"] == "a/b"
    assert reply.headers["Cache-Control"] == "max-age=60"
    assert reply.headers["Content-Disposition"].startswith("attachment; filename=")


def test_file_when_saved_under_another_name_has_the_type_of_that_name(path: Path) -> None:
    response = Response.file(path, download_name="report.pdf")
    response.close()

    assert response.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize(
    "arguments",
    [{"download_name": "a\r\nb"}, {"download_name": ""}, {"content_type": "a\nb"}],
)
def test_file_when_its_headers_are_refused_is_closed(
    path: Path, opened: list[BinaryIO], arguments: Any
) -> None:
    with pytest.raises(InvalidHeaderError):
        Response.file(path, **arguments)

    assert [file.closed for file in opened] == [True]


def test_file_when_it_grows_while_it_is_sent_has_the_length_it_said(path: Path) -> None:
    response = Response.file(path)
    with path.open("ab") as file:
        file.write(b"more")

    assert send(response).body == CONTENT


def test_file_when_missing_or_no_file_is_a_404(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", "/dev/null", "a\0b"):
        with pytest.raises(HTTPError) as caught:
            Response.file(path)
        assert caught.value.status_code == 404
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["../secret", "/etc/passwd", "..", "", "a\0b", "x" * 300, "..\\secret", "out", "\ud800", "sub"],
)
def test_file_when_below_a_root_is_a_404_for_all_that_leads_elsewhere(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "out").symlink_to("../secret")

    with pytest.raises(HTTPError) as caught:
        Response.file(text, root=tmp_path / "root")

    assert caught.value.status_code == 404


def test_file_when_below_a_root_is_sent(path: Path) -> None:
    (path.parent / "sub").mkdir()
    (path.parent / "sub" / "a.txt").write_text("x")

    reply = send(Response.file("sub/a.txt", root=path.parent))

    assert (reply.text, reply.headers["Content-Type"]) == ("x", "text/plain; charset=utf-8")


def test_file_when_not_sent_is_closed(path: Path, opened: list[BinaryIO]) -> None:
    etag = Response.file(path).headers["ETag"]
    for response in list(map(Response.file, [path] * 2)):
        response.close()
    send(Response.file(path), "HEAD")
    send(Response.file(path), HTTP_IF_NONE_MATCH=etag)
    send(Response.file(path), HTTP_IF_MATCH='"other"')
    send(Response.file(path), HTTP_RANGE="bytes=999999-")
    for extra in ({}, {"HTTP_RANGE": "bytes=5-"}, WRAPPER):
        body: Any = Response.file(path).finish(environ_for(**extra)).body
        next(iter(body))
        body.close()
    opened[0].close()  # Made for its tag only.

    assert [file.closed for file in opened] == [True] * 10


# Conditions and ranges


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"HTTP_IF_NONE_MATCH": '"a"'}, "304 Not Modified"),
        ({"HTTP_IF_NONE_MATCH": '"b"'}, "200 OK"),
        ({"HTTP_IF_MODIFIED_SINCE": "Sun, 06 Nov 1994 08:49:37 GMT"}, "304 Not Modified"),
        ({"HTTP_IF_MODIFIED_SINCE": "Sun, 06 Nov 1994 08:49:36 GMT"}, "200 OK"),
        ({"HTTP_IF_MATCH": '"b"'}, "412 Precondition Failed"),
        ({"HTTP_IF_MATCH": '"a"'}, "200 OK"),
        ({"HTTP_IF_UNMODIFIED_SINCE": "Sun, 06 Nov 1994 08:49:36 GMT"}, "412 Precondition Failed"),
    ],
)
def test_condition_when_the_response_has_validators_is_answered(
    method: str, asked: Any, status: str
) -> None:
    validators = {"ETag": '"a"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}

    reply = returned((200, "x", validators), method, **asked)

    assert reply.status == status
    assert (reply.body == b"x") is (status == "200 OK" and method == "GET")


@pytest.mark.parametrize(
    ("result", "method"),
    [
        ((200, "x", {"ETag": '"a"'}), "POST"),
        ((200, "x", {"ETag": '"a"'}), "PUT"),
        ((404, "x", {"ETag": '"a"'}), "GET"),
        ((201, "x", {"ETag": '"a"'}), "GET"),
        ((200, "x", {}), "GET"),
        ((200, "x", {"ETag": "a"}), "GET"),
    ],
)
def test_condition_when_not_asked_of_a_200_with_validators_is_ignored(
    result: Any, method: str
) -> None:
    reply = returned(result, method, HTTP_IF_NONE_MATCH="*", HTTP_IF_MATCH='"b"')

    assert reply.body == b"x"


def test_not_modified_when_sent_keeps_what_caches_need(path: Path) -> None:
    response = Response.file(path, max_age_s=60, download_name="a.png")
    response.headers["Vary"] = "Accept"
    response.set_cookie("a", "b")

    reply = send(response, HTTP_IF_NONE_MATCH="*")

    assert reply.status == "304 Not Modified"
    assert set(reply.headers) == {
        *("Cache-Control", "ETag", "Last-Modified", "Set-Cookie", "Vary"),
        "X-Content-Type-Options",
    }


@pytest.mark.parametrize("asked", [{"HTTP_IF_MATCH": '"b"'}, {"HTTP_RANGE": "bytes=999999-"}])
def test_error_when_in_place_of_a_file_says_nothing_of_the_file(path: Path, asked: Any) -> None:
    response = Response.file(path, max_age_s=60, download_name="a.png")
    response.headers["Vary"] = "Accept"

    reply = send(response, **asked)

    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["Vary"] == "Accept"
    assert not set(reply.headers) & {"ETag", "Last-Modified", "Cache-Control"}
    assert "Content-Disposition" not in reply.headers


@pytest.mark.parametrize("extra", [{}, WRAPPER])
@pytest.mark.parametrize(
    ("asked", "part"),
    [("0-0", slice(0, 1)), ("100000-", slice(100000, None)), ("-5", slice(-5, None))],
)
def test_range_when_asked_for_is_the_part(
    path: Path, opened: list[BinaryIO], asked: str, part: slice, extra: Any
) -> None:
    reply = send(Response.file(path), HTTP_RANGE=f"bytes={asked}", **extra)

    first, stop, _ = part.indices(len(CONTENT))
    assert (reply.status, reply.body) == ("206 Partial Content", CONTENT[part])
    assert reply.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{len(CONTENT)}"
    assert reply.headers["Content-Length"] == str(len(CONTENT[part]))
    assert reply.headers["ETag"]
    assert [file.closed for file in opened] == [True]


def test_range_when_unsatisfiable_is_a_416(path: Path) -> None:
    reply = send(Response.file(path), HTTP_RANGE=f"bytes={len(CONTENT)}-")

    assert reply.status == "416 Range Not Satisfiable"
    assert reply.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("GET", {"HTTP_RANGE": "bytes=0-0,5-5"}),
        ("GET", {"HTTP_RANGE": "lines=0-0"}),
        ("GET", {"HTTP_RANGE": "bytes=0-0", "HTTP_IF_RANGE": '"old"'}),
        ("GET", {"HTTP_RANGE": "bytes=0-0", "HTTP_IF_RANGE": "Sun, 06 Nov 1994 08:49:36 GMT"}),
        ("POST", {"HTTP_RANGE": "bytes=0-0"}),
        ("HEAD", {"HTTP_RANGE": "bytes=0-0"}),
    ],
)
def test_range_when_not_for_this_request_is_the_whole(path: Path, method: str, asked: Any) -> None:
    reply = send(Response.file(path), method, **asked)

    assert (reply.status, reply.headers["Content-Length"]) == ("200 OK", str(len(CONTENT)))
    assert reply.body == (b"" if method == "HEAD" else CONTENT)


def test_range_when_the_client_names_the_current_version_is_the_part(path: Path) -> None:
    response = Response.file(path)
    for validator in (response.headers["ETag"], response.headers["Last-Modified"]):
        reply = send(Response.file(path), HTTP_RANGE="bytes=1-2", HTTP_IF_RANGE=validator)
        assert reply.body == CONTENT[1:3]
    response.close()


def test_range_when_the_condition_is_unmet_is_not_looked_at(path: Path) -> None:
    reply = send(Response.file(path), HTTP_RANGE="bytes=0-0", HTTP_IF_NONE_MATCH="*")

    assert reply.status == "304 Not Modified"


def test_range_when_no_file_is_served_by_path_is_the_whole() -> None:
    reply = returned((200, "hello", {"ETag": '"a"'}), HTTP_RANGE="bytes=0-0")

    assert (reply.status, reply.body) == ("200 OK", b"hello")


def test_file_when_empty_is_sent_whole(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert send(Response.file(tmp_path / "empty")).headers["Content-Length"] == "0"
    assert send(Response.file(tmp_path / "empty"), HTTP_RANGE="bytes=-1").status == "200 OK"


@settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 300_000), st.integers(0, 300_000))
def test_range_when_drawn_is_that_slice_or_nothing(path: Path, first: int, last: int) -> None:
    reply = send(Response.file(path), HTTP_RANGE=f"bytes={first}-{last}")

    if last < first:
        assert reply.body == CONTENT
    elif first >= len(CONTENT):
        assert reply.status.startswith("416")
    else:
        assert reply.body == CONTENT[first : last + 1]


# Cookies


def cookies(response: Response, scheme: str = "http") -> list[str]:
    environ = environ_for()
    environ["wsgi.url_scheme"] = scheme
    headers = response.finish(environ).headers
    return [value for name, value in headers if name == "Set-Cookie"]


def test_cookies_when_set_are_each_a_header() -> None:
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", max_age=5, path="/x", samesite=None, httponly=False)

    assert cookies(response) == [
        "a=1; Path=/; HttpOnly; SameSite=Lax",
        "b=2; Max-Age=5; Path=/x",
    ]


def test_cookies_when_sent_by_https_are_secure() -> None:
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", secure=False)

    assert ["Secure" in each for each in cookies(response, "https")] == [True, False]


def test_cookie_when_set_again_is_sent_once_and_elsewhere_twice() -> None:
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("a", "2", path="/x")
    response.delete_cookie("a")

    first, second = cookies(response)

    assert first.startswith("a=2; Path=/x")
    assert second == (
        "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
    )


def test_cookie_when_deleted_below_a_prefix_is_secure() -> None:
    response = Response()
    response.delete_cookie("__Host-a")

    assert "; Secure" in cookies(response)[0]


def test_cookie_when_unusable_or_unknown_is_refused_at_once() -> None:
    response = Response()
    with pytest.raises(InvalidHeaderError):
        response.set_cookie("a", "b\r\nX: y")
    with pytest.raises(InvalidHeaderError):
        response.set_cookie("a", expires=datetime(2030, 1, 1))
    with pytest.raises(TypeError):
        response.set_cookie("a", maxage=1)  # type: ignore[call-arg]  # The mistake.

    assert cookies(response) == []


def test_cookie_when_it_expires_says_when() -> None:
    response = Response()
    response.set_cookie("a", expires=datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC))

    assert "Expires=Sun, 06 Nov 1994 08:49:37 GMT" in cookies(response)[0]


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_when_made_leads_there_also_by_hand(status: int) -> None:
    reply = send(Response.redirect("/ü?a=1&b=2", status))

    assert reply.status.startswith(str(status))
    assert reply.headers["Location"] == "/%C3%BC?a=1&b=2"
    assert '<a href="/%C3%BC?a=1&amp;b=2">' in reply.text


def test_redirect_when_unusable_is_refused() -> None:
    with pytest.raises(InvalidHeaderError):
        Response.redirect("/\r\nSet-Cookie: a=b")
    with pytest.raises(InvalidHTTPStatusError):
        Response.redirect("/", 200)


# Whatever comes from outside


@settings(
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(), st.text())
def test_headers_when_of_any_text_hold_no_control(path: Path, name: str, text: str) -> None:
    makers: list[Callable[[], Response]] = [
        lambda: Response("", headers={name: text}),
        lambda: Response("", headers={"X-A": text}),
        lambda: Response("", content_type=text),
        lambda: Response.redirect(text),
        lambda: Response.file(path, download_name=text),
        lambda: Response.file(path, content_type=text),
        lambda: response_from((f"299 {text}", "")),
    ]
    for make in makers:
        try:
            response = make()
        except (InvalidHeaderError, InvalidHTTPStatusError):
            continue
        try:
            response.set_cookie("a", text)
            response.set_cookie(name, text)
        except InvalidHeaderError:
            pass
        finished = response.finish(environ_for("HEAD"))
        head = "".join([finished.status, *(f"{a}: {b}" for a, b in finished.headers)])
        assert head.encode("latin-1")
        assert not {chr(code) for code in (*range(32), *range(127, 160))} & set(head)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(derandomize=True, deadline=None)
@given(JSON_VALUES)
def test_json_when_drawn_comes_back(value: Any) -> None:
    assert json.loads(send(Response.json(value)).body) == value
