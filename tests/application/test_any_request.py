"""Whatever a client sends is answered by the rules of WSGI, and is never the server's error."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.application.many_routes import many_routes
from tests.application.wsgi_client import Reply, call, seeing
from wiverno import Wiverno
from wiverno.core.wsgi_types import Environ

sample = settings(
    max_examples=600, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
many = settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])

LATIN_1 = st.text(st.characters(max_codepoint=255), max_size=30)


def of(*fragments: str) -> st.SearchStrategy[str]:
    """Fragments that mean something in their place, in any order, or any bytes."""
    return st.lists(st.sampled_from(fragments) | LATIN_1, max_size=6).map("".join)


METHODS = st.sampled_from(["GET", "HEAD", "POST"]) | st.sampled_from(
    ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "head", "Post"]
)
# Most requests should get as far as a view.
WHOLE = st.sampled_from(
    [
        *("/", "/any", "/data", "/data", "/echo", "/echo", "/body", "/stream", "/file", "/visits"),
        *("/accepts", "/headers", "/notes", "/mounted", "/group/g/members", "/data/", "", "*"),
    ]
)
PREFIXES = st.sampled_from(
    [
        *("/int/", "/float/", "/str/", "/day/", "/path/", "/file-", "/range/", "/deep/", "/link/"),
        *("/static/", "/mounted/", "/inner/", "/inner/members/", "/group/", "/", "http://h/"),
    ]
)
PARTS = (
    *("/", "//", "..", ".", "a.txt", "sub", "members", "members/x", "edit", "evil", "-", "\x00"),
    *("1", "-7", "1.5", "007", "9" * 400, "2024-02-29", "é", "\xff", "%2e", "{v}", "\r\n", "out"),
)
PATHS = (
    WHOLE
    | st.tuples(PREFIXES, st.sampled_from(PARTS)).map("".join)
    | st.tuples(PREFIXES | WHOLE, of(*PARTS)).map("".join)
)
QUERIES = of(
    *(
        "a",
        "=",
        "&",
        ";",
        "%",
        "%zz",
        "%ff",
        "%00",
        "+",
        "name=",
        "a.txt",
        "../secret.txt",
        "&" * 60,
    )
)
ACCEPTS = of(
    *("text/html", "application/json", "text/plain", "*/*", ",", ";", "q=", "0.5", "2", '"', "\\")
)
TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=shift_jis",
        "multipart/form-data; boundary=b",
    ]
) | of(
    *(
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        ";",
        "charset=",
    ),
    *("utf-8", "latin-1", "utf-7", "boundary=", "b", '"', "+json", "text/plain", " "),
)
PART = '--b\r\nContent-Disposition: form-data; name="a"'
BODIES = st.sampled_from(
    [
        *("", "1", "[{}, 1.5]", '{"a": {"b": null}}', '"\\ud83d"', "[" * 300 + "]" * 300),
        *("a=1&a=2&b=%C3%A9", "a=%82%a0", f"{PART}\r\n\r\n1\r\n--b--\r\n"),
        f'{PART}; filename="../x"\r\nContent-Type: a/b\r\n\r\n{"x" * 500}\r\n--b--\r\n',
    ]
) | of(
    *(PART, "--b\r\n", "--b--", "\r\n", '; filename="../x"'),
    *(
        "; filename*=utf-8''%ff",
        "Content-Type: text/plain; charset=",
        "\r\n\r\n",
        "a=1&b=2",
        "%ff",
        "&",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        '"a":',
        "1",
        "1e999",
        "NaN",
        '"\\ud800"',
        "\\",
        ",",
        "[" * 300,
        "9" * 5000,
    ),
    *("x" * 300, "x" * 30_000),
)
OTHERS = st.dictionaries(
    st.sampled_from(
        [
            *("HTTP_HOST", "HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"),
            *("HTTP_IF_MODIFIED_SINCE", "HTTP_X_FORWARDED_FOR", "HTTP_X_", "HTTP_", "REMOTE_ADDR"),
            *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_USER_AGENT", "HTTP_ORIGIN"),
        ]
    ),
    of(
        "bytes=",
        "0-",
        "-1",
        ",",
        "5",
        "*",
        '"',
        "W/",
        "localhost",
        ":80",
        "[::1]",
        "1 Jan 2020 GMT",
    ),
    max_size=3,
)


@st.composite
def requests(draw: st.DrawFn) -> Environ:
    """What a server could hand on: latin-1 text everywhere, as PEP 3333 has it."""
    body = draw(BODIES).encode("latin-1")
    found: Environ = {
        "REQUEST_METHOD": draw(METHODS),
        "PATH_INFO": draw(PATHS),
        "QUERY_STRING": draw(QUERIES),
        "CONTENT_TYPE": draw(TYPES),
        "HTTP_ACCEPT": draw(ACCEPTS),
        "HTTP_COOKIE": draw(of("session=", "a=1", ";", "; ", "=", '"', ".", "eyJhIjoxfQ", "\x00")),
        # Not more than there is: a view that streams the body has no other answer to that.
        "CONTENT_LENGTH": draw(st.sampled_from([str(len(body))] * 4 + ["", "0", "x", "9" * 20])),
        "body": body,
        **draw(OTHERS),
    }
    if draw(st.booleans()):
        found["wsgi.input_terminated"] = True
    return found


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Wiverno:
    top: Path = tmp_path_factory.mktemp("site")
    (top / "files" / "sub").mkdir(parents=True)
    (top / "files" / "a.txt").write_text("a file")
    (top / "files" / "out").symlink_to(top)
    (top / "secret.txt").write_text("the secret outside")
    return many_routes(top / "files")


def _check(app: Wiverno, environ: Environ) -> None:
    sent = dict(environ)
    body: bytes = sent.pop("body")

    reply = call(seeing(app, **sent), body=body)

    assert reply.code < 500
    assert b"the secret outside" not in reply.body
    _check_framing(sent["REQUEST_METHOD"], reply)
    if reply.code in (404, 405) and "<h1>" in reply.text:
        assert "Traceback" not in reply.text
    if reply.code == 405:
        assert reply.headers["Allow"]


def _check_framing(method: str, reply: Reply) -> None:
    length = reply.headers.get("Content-Length")
    if length is not None and method != "HEAD":
        assert length == str(len(reply.body))
    if reply.code in (204, 304):
        assert (length, reply.body) == (None, b"")
    names: list[Any] = [name.lower() for name, _ in reply.header_list]
    assert names.count("content-length") <= 1
    assert names.count("content-type") <= 1


@sample
@given(requests())
def test_request_when_anything_at_all_is_no_error_of_the_server(
    app: Wiverno, environ: Environ
) -> None:
    _check(app, environ)


@pytest.mark.thorough
@pytest.mark.timeout(600)
@many
@given(requests())
def test_request_when_anything_at_all_is_no_error_many_times(
    app: Wiverno, environ: Environ
) -> None:
    _check(app, environ)
