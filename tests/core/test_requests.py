"""Request: what it reads out of an environ."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import (
    HTTPError,
    RequestBodyError,
)
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.requests import (
    FormData,
    HeaderParser,
    ParseBody,
    ParseQuery,
    QueryDict,
    Request,
    UploadedFile,
)

# No deadline: how long one example takes is up to what else the machine does.
SETTINGS = settings(derandomize=True, deadline=None)


class Application:
    """What a request asks of its application."""

    body_limits = BodyLimits(max_memory_bytes=8, max_fields=3)

    def url_for(self, name: str, **params: object) -> str:
        return f"/{name}/{params['id']}"


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
        "app",
        "body",
        "host",
        "stream",
        "url",
        "made_up",
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


@SETTINGS
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
    request = Request(environ_for("POST", body=b"x", CONTENT_TYPE="text/plain"))

    assert request.data == {}
    assert request.environ["wsgi.input"].read() == b"x"


def test_data_when_json_null_is_read_once() -> None:
    request = Request(environ_for("POST", body=b"null", CONTENT_TYPE="application/json"))

    assert request.data is None
    assert request.data is None


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_data_when_bad_json_says_so(body: bytes) -> None:
    request = Request(environ_for("POST", body=body, CONTENT_TYPE="application/json"))

    with pytest.raises(RequestBodyError, match="not valid JSON"):
        _ = request.data


def test_request_when_made_fills_three_slots_only() -> None:
    request = Request(environ_for(), {"id": 7}, Application())

    filled = {name for name in Request.__slots__ if hasattr(request, name)}

    assert filled == {"_environ", "_path_params", "_app"}


def test_path_params_when_there_are_none_are_empty() -> None:
    assert Request(environ_for()).path_params == {}


@pytest.mark.parametrize(
    ("extra", "host"),
    [
        ({"HTTP_HOST": "shop.example:8443"}, "shop.example:8443"),
        ({"HTTP_HOST": "[::1]:8000"}, "[::1]:8000"),
        ({"HTTP_HOST": "evil.example/path"}, "shop.example:8000"),
        ({"HTTP_HOST": "a@b"}, "shop.example:8000"),
        ({"HTTP_HOST": 'x"><script>'}, "shop.example:8000"),
        ({"HTTP_HOST": "", "SERVER_PORT": "80"}, "shop.example"),
        ({"HTTP_HOST": "", "SERVER_NAME": "::1"}, "[::1]:8000"),
    ],
)
def test_host_when_the_header_is_none_is_the_server(extra: dict[str, str], host: str) -> None:
    environ = environ_for(SERVER_NAME="shop.example", SERVER_PORT="8000")
    environ.update(extra)

    assert Request(environ).host == host


def test_url_when_read_is_percent_encoded() -> None:
    environ = environ_for(target="/café b/?a=1&b=%20[]", HTTP_HOST="shop.example")
    environ["SCRIPT_NAME"] = "/shop"
    environ["QUERY_STRING"] += "&c=\xc3\xbc"

    assert Request(environ).url == ("http://shop.example/shop/caf%C3%A9%20b/?a=1&b=%20[]&c=%C3%BC")


def test_url_when_there_is_no_path_ends_with_a_slash() -> None:
    assert Request(environ_for(target="", HTTP_HOST="a", PATH_INFO="")).url == "http://a/"


def test_url_for_when_there_is_an_application_asks_it() -> None:
    assert Request(environ_for(), app=Application()).url_for("user", id=7) == "/user/7"


def test_url_for_when_there_is_no_application_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"app\.url_for"):
        Request(environ_for()).url_for("user")


def test_accepts_when_asked_follows_the_header() -> None:
    request = Request(environ_for(HTTP_ACCEPT="text/html;q=0.2, application/json"))

    assert request.accepts("text/html", "application/json") == "application/json"
    assert request.accepts("image/png") is None
    assert Request(environ_for()).accepts("text/html", "image/png") == "text/html"


def test_content_length_when_absurdly_long_is_zero() -> None:
    assert Request(environ_for(CONTENT_LENGTH="9" * 5000)).content_length == 0


@pytest.mark.parametrize(("fields", "is_refused"), [(3, False), (4, True)])
def test_query_params_when_too_many_are_refused(fields: int, is_refused: bool) -> None:
    query = "&".join(f"a{number}=1" for number in range(fields))
    request = Request(environ_for(target=f"/?{query}"), app=Application())

    if not is_refused:
        assert len(request.query_params) == fields
        return
    with pytest.raises(HTTPError, match="more than 3 fields") as caught:
        _ = request.query_params
    assert caught.value.status_code == 400
    assert not isinstance(caught.value, RequestBodyError)


@SETTINGS
@given(st.text(st.characters(max_codepoint=255)))
def test_request_when_headers_are_any_bytes_never_fails(text: str) -> None:
    request = Request(
        environ_for(
            HTTP_COOKIE=text, HTTP_ACCEPT=text, HTTP_HOST=text, CONTENT_LENGTH=text, HTTP_X=text
        )
    )
    request.environ["PATH_INFO"] = text

    assert isinstance(request.cookies, dict)
    assert request.accepts("text/html", "a/b;c=d") in ("text/html", "a/b;c=d", None)
    assert request.content_length >= 0
    assert request.url.isascii()
    assert request.headers["x"] == text
    assert request.path.startswith("/")


@SETTINGS
@given(st.text(st.characters(max_codepoint=255)))
def test_query_params_when_any_bytes_never_fail(text: str) -> None:
    environ = environ_for()
    environ["QUERY_STRING"] = text

    assert len(Request(environ).query_params) <= text.count("&") + 1
    assert Request(environ).url.isascii()


def test_parse_query_when_given_text_is_a_query_dict() -> None:
    assert ParseQuery.parse_input_data("a=1&a=2").getlist("a") == ["1", "2"]
    assert ParseQuery.get_request_params(environ_for(target="/?b=%C3%BC")) == {"b": "ü"}


def test_header_parser_when_given_an_environ_ignores_case() -> None:
    assert HeaderParser.get_headers(environ_for(HTTP_X_A="1"))["x-a"] == "1"


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/json", b"{", {}),
        ("application/json", b"[" * 100_000, {}),
        ("application/x-www-form-urlencoded", b"a=1", {"a": "1"}),
        ("application/x-www-form-urlencoded", b"a=%FF", {}),
        ("application/x-www-form-urlencoded", b"a&" * 2000, {}),
        ("multipart/form-data", b"x", {}),
        ("text/plain", b"x", {}),
        ("", b"x", {}),
    ],
)
def test_parse_body_when_bad_is_empty(content_type: str, body: bytes, value: object) -> None:
    environ = environ_for("POST", body=b"not this", CONTENT_TYPE=content_type)

    assert ParseBody.get_request_params(environ, body) == value
    assert environ["wsgi.input"].read() == b"not this"


def test_parse_body_when_a_form_has_a_large_file_keeps_it_in_memory() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    environ = environ_for(CONTENT_TYPE="multipart/form-data; boundary=b")

    data = ParseBody.get_request_params(environ, head + b"x" * 600_000 + b"\r\n--b--")

    assert isinstance(data, FormData)
    upload = data["f"]
    assert isinstance(upload, UploadedFile)
    assert upload.size == 600_000
    assert isinstance(upload.stream, BytesIO)


FRAGMENTS = [
    "--b",
    "--",
    "\r\n",
    "\n",
    "\r",
    "b",
    "x",
    "\x00",
    "ÿ",
    ": ",
    " ",
    "Content-Disposition: form-data; name=a",
    '; filename="',
    '"',
    "; filename*=",
    "Content-Type: text/plain; charset=",
    "utf-16",
    "punycode",
    "Content-Length: 1",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "1",
    "e999",
    "NaN",
    "-",
    "\\",
    "\\u",
    "&",
    "=",
    "%",
    "%F",
    "+",
]
BODIES = st.binary() | st.lists(st.sampled_from(FRAGMENTS)).map(
    lambda parts: "".join(parts).encode("latin-1")
)


def parsed_or_refused(content_type: str, body: bytes) -> None:
    request = Request(environ_for("POST", body=body, CONTENT_TYPE=content_type))
    outcomes: list[object] = []
    for _ in range(2):
        try:
            outcomes.append(request.data)
        except RequestBodyError as error:
            outcomes.append(str(error))
    request.close()

    assert outcomes[0] == outcomes[1]


@settings(SETTINGS, max_examples=500)
@given(
    st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=shift_jis",
            "multipart/form-data; boundary=b",
            "multipart/form-data",
        ]
    ),
    BODIES,
)
def test_data_when_any_bytes_is_parsed_or_refused(content_type: str, body: bytes) -> None:
    parsed_or_refused(content_type, body)


@settings(SETTINGS, max_examples=500)
@given(
    st.sampled_from(
        ["multipart/form-data", "application/json", "application/x-www-form-urlencoded"]
    ),
    st.sampled_from(["", "boundary=", "charset="]),
    st.text(st.characters(max_codepoint=255)),
    st.binary(max_size=50),
)
def test_data_when_parameters_are_any_bytes_is_parsed_or_refused(
    media_type: str, name: str, text: str, body: bytes
) -> None:
    parsed_or_refused(f"{media_type};{name}{text}", body)
