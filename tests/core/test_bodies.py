"""The body of a request: its limits, its end, and the ways to read it."""

from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import ContentTooLargeError, RequestBodyError
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.requests import Request
from wiverno.core.wsgi_types import Environ

# No deadline: how long one example takes is up to what else the machine does.
SETTINGS = settings(derandomize=True, deadline=None)

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"


class Application:
    def __init__(self, limits: BodyLimits) -> None:
        self.body_limits = limits


class Drip:
    """A source that gives less than it is asked for, as sockets do."""

    def __init__(self, data: bytes, most: int = 3) -> None:
        self._source = BytesIO(data)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, self._most) if size > 0 else self._most)


def chunked(body: bytes, content_type: str = JSON) -> Environ:
    environ = environ_for("POST", CONTENT_TYPE=content_type)
    environ.update({"wsgi.input": BytesIO(body), "wsgi.input_terminated": True})
    return environ


def limited(environ: Environ, **limits: int) -> Request:
    return Request(environ, app=Application(BodyLimits(**limits)))


@pytest.mark.parametrize("name", ["max_memory_bytes", "max_fields", "max_files"])
@pytest.mark.parametrize("value", [-1, 1.5, None])
def test_body_limits_when_no_limit_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name}=.* is not a limit"):
        BodyLimits(**{name: value})


@pytest.mark.parametrize("kind", [JSON, URLENCODED])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_data_when_as_large_as_the_limit_is_parsed(kind: str, is_chunked: bool) -> None:
    body = b"12345678"
    environ = chunked(body, kind) if is_chunked else environ_for(body=body, CONTENT_TYPE=kind)

    assert limited(environ, max_memory_bytes=8).data in (12345678, {"12345678": ""})


@pytest.mark.parametrize("kind", [JSON, URLENCODED])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_data_when_a_byte_too_large_is_413(kind: str, is_chunked: bool) -> None:
    body = b"123456789"
    environ = chunked(body, kind) if is_chunked else environ_for(body=body, CONTENT_TYPE=kind)
    request = limited(environ, max_memory_bytes=8)

    for _ in range(2):
        with pytest.raises(ContentTooLargeError, match="8 bytes, the limit `max_memory_bytes`"):
            _ = request.data
    with pytest.raises(ContentTooLargeError):
        _ = request.body


def test_body_when_declared_too_large_is_refused_unread() -> None:
    environ = environ_for("POST", CONTENT_LENGTH="1" + "0" * 17)

    with pytest.raises(ContentTooLargeError) as caught:
        _ = Request(environ).body
    assert caught.value.status_code == 413


@pytest.mark.parametrize("fields", [3, 4])
def test_data_when_a_form_has_more_fields_than_the_limit_is_413(fields: int) -> None:
    body = b"&".join([b"a=1"] * fields)
    request = limited(environ_for(body=body, CONTENT_TYPE=URLENCODED), max_fields=3)

    if fields == 3:
        assert request.data.getlist("a") == ["1"] * 3
        return
    with pytest.raises(ContentTooLargeError, match="more than 3 fields, the limit `max_fields`"):
        _ = request.data


@pytest.mark.parametrize("kind", [JSON, URLENCODED])
def test_data_when_cut_short_says_where(kind: str) -> None:
    environ = environ_for("POST", body=b"123", CONTENT_TYPE=kind, CONTENT_LENGTH="10")
    request = Request(environ)

    for _ in range(2):
        with pytest.raises(RequestBodyError, match="ended after 3 of 10 bytes") as caught:
            _ = request.data
        assert caught.value.status_code == 400


def test_data_when_the_source_gives_little_is_read_whole() -> None:
    body = b'{"a": [1, 2, 3]}'
    environ = environ_for("POST", body=body, CONTENT_TYPE=JSON)
    environ["wsgi.input"] = Drip(body)

    assert Request(environ).data == {"a": [1, 2, 3]}


def test_data_when_a_chunked_source_gives_little_is_read_whole() -> None:
    environ = chunked(b"")
    environ["wsgi.input"] = Drip(b"[1, 2, 3]")

    assert Request(environ).data == [1, 2, 3]


def test_body_when_no_length_is_declared_is_empty_and_unread() -> None:
    environ = environ_for("POST", CONTENT_TYPE=JSON)
    environ["wsgi.input"] = BytesIO(b"the next request")

    assert Request(environ).body == b""
    assert Request(environ).data == {}
    assert Request(environ).stream.read() == b""
    assert environ["wsgi.input"].tell() == 0


def test_body_when_read_before_data_is_still_there() -> None:
    request = Request(environ_for("POST", body=b"[1]", CONTENT_TYPE=JSON))

    assert request.body == b"[1]"
    assert request.data == [1]
    assert request.stream.read() == b"[1]"
    assert request.body == b"[1]"


def test_stream_when_read_ends_with_the_body_and_knows_no_limit() -> None:
    source = BytesIO(b"one\ntwo\nNEXT")
    environ = environ_for("POST", CONTENT_LENGTH="8")
    environ["wsgi.input"] = source
    request = limited(environ, max_memory_bytes=1)

    assert list(TextIOWrapper(request.stream, "utf-8")) == ["one\n", "two\n"]
    assert source.read() == b"NEXT"


def test_stream_when_cut_short_says_so() -> None:
    environ = environ_for("POST", body=b"123", CONTENT_LENGTH="10")

    with pytest.raises(RequestBodyError, match="ended after 3 of 10 bytes"):
        Request(environ).stream.read()


def test_stream_when_taken_is_the_only_way() -> None:
    request = Request(environ_for("POST", body=b"[1]", CONTENT_TYPE=JSON))

    assert request.stream is request.stream
    for name in ("body", "data"):
        with pytest.raises(RuntimeError, match="read in another way"):
            getattr(request, name)


def test_stream_when_a_form_was_read_says_so() -> None:
    environ = environ_for("POST", body=b"--b--", CONTENT_TYPE="multipart/form-data; boundary=b")
    request = Request(environ)

    assert request.data == {}
    for name in ("body", "stream"):
        with pytest.raises(RuntimeError, match="read in another way"):
            getattr(request, name)


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        (URLENCODED, b"a=%C3%BC", "ü"),
        (URLENCODED, "a=ü".encode(), "ü"),
        (URLENCODED + "; charset=ISO-8859-1", b"a=%FC", "ü"),
        (URLENCODED + '; charset="windows-1252"', b"a=\x80", "€"),
    ],
)
def test_data_when_a_form_has_a_charset_is_decoded_by_it(
    content_type: str, body: bytes, value: str
) -> None:
    assert Request(environ_for(body=body, CONTENT_TYPE=content_type)).data == {"a": value}


@pytest.mark.parametrize(
    ("charset", "body", "words"),
    [
        ("utf-8", b"a=%FF", "is not utf-8"),
        ("utf-8", b"a=\xff", "is not utf-8: byte 2"),
        ("us-ascii", b"a=\xc3", "is not us-ascii"),
        ("klingon", b"a=1", "'klingon' is not known"),
        ("punycode", b"a=1", "'punycode' is not known"),
        ("rot13", b"a=1", "'rot13' is not known"),
        ("unicode_escape", b"a=1", "is not known"),
        ("utf-16", b"a=1", "is not known"),
    ],
)
def test_data_when_the_charset_is_wrong_is_400(charset: str, body: bytes, words: str) -> None:
    request = Request(environ_for(body=body, CONTENT_TYPE=f"{URLENCODED}; charset={charset}"))

    with pytest.raises(RequestBodyError, match=words) as caught:
        _ = request.data
    assert caught.value.status_code == 400


@SETTINGS
@given(st.binary(max_size=40), st.integers(0, 50), st.integers(0, 50), st.integers(1, 9))
def test_body_when_any_length_is_declared_is_that_long_or_refused(
    sent: bytes, declared: int, limit: int, most: int
) -> None:
    environ = environ_for("POST", CONTENT_LENGTH=str(declared))
    environ["wsgi.input"] = Drip(sent, most)
    request = limited(environ, max_memory_bytes=limit)

    if declared > limit:
        with pytest.raises(ContentTooLargeError):
            _ = request.body
    elif declared > len(sent):
        with pytest.raises(RequestBodyError, match="ended after"):
            _ = request.body
    else:
        assert request.body == sent[:declared]
