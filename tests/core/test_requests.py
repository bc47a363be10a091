"""Request: what it reads out of an environ."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import RequestBodyError
from wiverno.core.requests import QueryDict, Request


def test_request_when_made_reads_the_environ() -> None:
    environ = environ_for(
        "get",
        "/Users/",
        REMOTE_ADDR="192.0.2.7",
        SERVER_NAME="shop.example",
        SERVER_PROTOCOL="HTTP/1.1",
        HTTP_USER_AGENT="curl",
        CONTENT_TYPE="text/plain",
        CONTENT_LENGTH="12",
    )
    environ["wsgi.url_scheme"] = "https"

    request = Request(environ, {"id": 7})

    assert request.environ is environ
    assert (request.method, request.path, request.path_params) == ("GET", "/Users", {"id": 7})
    assert (request.client_ip, request.server) == ("192.0.2.7", "shop.example")
    assert (request.protocol, request.scheme, request.is_secure) == ("HTTP/1.1", "https", True)
    assert (request.user_agent, request.content_type) == ("curl", "text/plain")
    assert request.content_length == 12


@pytest.mark.parametrize(
    "name",
    [
        "method",
        "path",
        "path_params",
        "query_params",
        "headers",
        "cookies",
        "data",
        "content_type",
        "content_length",
        "client_ip",
        "server",
        "user_agent",
        "protocol",
        "scheme",
        "is_secure",
        "environ",
    ],
)
def test_request_when_written_to_refuses(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Request(environ_for()), name, "other")


def test_path_params_when_written_to_refuse() -> None:
    with pytest.raises(TypeError):
        Request(environ_for(), {"id": 7}).path_params["id"] = 8  # type: ignore[index] # The point.


def test_client_ip_when_a_proxy_header_is_sent_does_not_believe_it() -> None:
    request = Request(environ_for(REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="10.0.0.1"))

    assert request.client_ip == "192.0.2.7"


@pytest.mark.parametrize("text", ["", "abc", "-5", "1.5", "²"])
def test_content_length_when_missing_or_wrong_is_zero(text: str) -> None:
    assert Request(environ_for(CONTENT_LENGTH=text)).content_length == 0


def test_path_when_it_is_utf8_is_decoded() -> None:
    assert Request(environ_for(target="/café")).path == "/café"


def test_query_params_when_a_name_repeats_keep_the_first_and_list_all() -> None:
    params = Request(environ_for(target="/?a=1&b=&a=2&c=%C3%BC+x")).query_params

    assert params == {"a": "1", "b": "", "c": "ü x"}
    assert params.getlist("a") == ["1", "2"]
    assert params.getlist("none") == []
    params.getlist("a").clear()
    assert params.getlist("a") == ["1", "2"]


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))))
def test_query_dict_when_made_from_any_pairs_loses_none(pairs: list[tuple[str, str]]) -> None:
    params = QueryDict(pairs)

    for name, first in params.items():
        assert params.getlist(name) == [value for key, value in pairs if key == name]
        assert params.getlist(name)[0] == first
    assert set(params) == {name for name, _ in pairs}


def test_headers_when_read_ignore_case() -> None:
    headers = Request(
        environ_for(HTTP_X_REQUEST_ID="7", CONTENT_TYPE="text/plain", CONTENT_LENGTH="")
    ).headers

    assert headers["x-request-id"] == headers["X-Request-Id"] == headers.get("X-REQUEST-ID") == "7"
    assert "Content-Type" in headers
    assert "Content-Length" not in headers
    assert headers.get("Accept") is None


def test_cookies_when_one_is_odd_keep_the_others() -> None:
    request = Request(environ_for(HTTP_COOKIE='a=1; odd; =x; b="two"; a=second; c=x=y; d'))

    assert request.cookies == {"a": "1", "b": "two", "c": "x=y"}


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/a+json"])
def test_data_when_json_is_its_value(content_type: str) -> None:
    request = Request(environ_for("POST", body=b'{"a": [1]}', CONTENT_TYPE=content_type))

    assert request.data == {"a": [1]}
    assert request.data is request.data


def test_data_when_a_form_is_a_query_dict() -> None:
    kind = "application/x-www-form-urlencoded"
    request = Request(environ_for("POST", body=b"a=1&a=2&b=x+y", CONTENT_TYPE=kind))

    assert request.data == {"a": "1", "b": "x y"}
    assert request.data.getlist("a") == ["1", "2"]


def test_data_when_the_body_is_longer_reads_its_declared_length_only() -> None:
    source = BytesIO(b"1234NEXT REQUEST")
    environ = environ_for("POST", CONTENT_TYPE="application/json", CONTENT_LENGTH="4")
    environ["wsgi.input"] = source

    assert Request(environ).data == 1234
    assert source.read() == b"NEXT REQUEST"


def test_data_when_the_body_is_chunked_reads_to_its_end() -> None:
    environ = environ_for("POST", CONTENT_TYPE="application/json")
    environ.update({"wsgi.input": BytesIO(b"[1]"), "wsgi.input_terminated": True})

    assert Request(environ).data == [1]


def test_data_when_of_another_type_is_empty_and_leaves_the_body_unread() -> None:
    request = Request(environ_for("POST", body=b"x", CONTENT_TYPE="multipart/form-data; b=1"))

    assert request.data == {}
    assert request.environ["wsgi.input"].read() == b"x"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_data_when_bad_json_says_so(body: bytes) -> None:
    request = Request(environ_for("POST", body=body, CONTENT_TYPE="application/json"))

    with pytest.raises(RequestBodyError, match="not valid JSON"):
        _ = request.data
