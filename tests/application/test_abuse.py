"""What clients send that no browser would: the right status, nothing leaked, nothing left open."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.many_routes import LIMITS, many_routes
from tests.application.wsgi_client import Reply, call, seeing
from wiverno import HTTPError, Request, Response, Wiverno
from wiverno.core.requests import UploadedFile

SECRET = "the secret outside"
FORM = "multipart/form-data; boundary=b"
JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to serve, with what a stranger must not get around it and in it."""
    top = tmp_path_factory.mktemp("site")
    inside = top / "files"
    (inside / "sub").mkdir(parents=True)
    (top / "secret.txt").write_text(SECRET)
    (top / "files-beside").mkdir()
    (top / "files-beside" / "secret.txt").write_text(SECRET)
    (inside / "a.txt").write_text("a file")
    (inside / "sub" / "b.txt").write_text("another")
    (inside / "ü.txt").write_text("with a mark")  # As one character: NFC.
    (inside / "out").symlink_to(top)
    (inside / "out.txt").symlink_to(top / "secret.txt")
    (inside / "passwd").symlink_to("/etc/passwd")
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "ring").mkdir()
    (inside / "ring" / "back").symlink_to(inside / "ring")
    os.mkfifo(inside / "pipe")
    return inside


@pytest.fixture(scope="module")
def app(folder: Path) -> Wiverno:
    return many_routes(folder)


def post(app: Wiverno, path: str, content_type: str, body: bytes, **extra: Any) -> Reply:
    return call(app, "POST", path, body=body, CONTENT_TYPE=content_type, **extra)


# Paths that lead out of the folder.

OUTSIDE = [
    *("../secret.txt", "sub/../../secret.txt", "sub/../a.txt", "./a.txt", "sub/./b.txt"),
    *("..", ".", "...", "....//secret.txt", "sub/..", "//secret.txt", "/etc/passwd"),
    *("..\\secret.txt", "sub\\b.txt", "\\..\\secret.txt", "C:/secret.txt", "c:secret.txt"),
    *("%2e%2e/secret.txt", "..%2fsecret.txt", "%2e%2e%2fsecret.txt", "..%5csecret.txt"),
    *("%252e%252e/secret.txt", "..%c0%af..%c0%afsecret.txt", "%c0%ae%c0%ae/secret.txt"),
    *("a.txt\x00", "a.txt\x00.png", "\x00", "../secret.txt\x00.txt", "a.txt\n", "a.txt\x7f"),
    *("out/secret.txt", "out.txt", "passwd", "loop", "loop/a.txt"),
    *(
        "../files-beside/secret.txt",
        "files-beside/secret.txt",
        "sub",
        "pipe",
        "ring/back",
        "a.txt/b",
    ),
    # Dots and slashes only where somebody normalizes them: full width, two dot leader, division.
    *("\uff0e\uff0e/secret.txt", "\u2025/secret.txt", "..\uff0fsecret.txt"),
    *("..\u2215secret.txt", "a\uff0etxt"),
    *("u\u0308.txt", "A.TXT", "a.txt ", " a.txt", "a.txt.", "a.txt::$DATA", "~", "~root"),
    *("a" * 256, "a/" * 5_000 + "a", "../" * 3_000 + "etc/passwd", "x" * 200_000),
    *("\ud800", "\ufffd", "file:///etc/passwd", "http://127.0.0.1/", "-", "*", "$HOME"),
]


@pytest.mark.parametrize("text", OUTSIDE, ids=lambda text: ascii(text)[:40])
@pytest.mark.usefixtures("descriptors")
def test_path_when_it_leads_nowhere_or_outside_is_a_404(app: Wiverno, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    below = b"/static/" + raw
    by_query = "".join(
        f"name=%{byte:02x}" if not at else f"%{byte:02x}" for at, byte in enumerate(raw)
    )

    replies = [
        call(seeing(app, PATH_INFO=below.decode("latin-1"))),
        call(seeing(app, PATH_INFO="/file", QUERY_STRING=by_query)),
    ]

    assert [reply.status for reply in replies] == ["404 Not Found"] * 2
    assert not [reply for reply in replies if SECRET in reply.text or "root:" in reply.text]


@pytest.mark.usefixtures("descriptors")
def test_path_when_it_leads_to_a_file_brings_it(app: Wiverno) -> None:
    for path, text in [("a.txt", "a file"), ("sub/b.txt", "another"), ("ü.txt", "with a mark")]:
        assert call(app, "GET", f"/static/{path}").text == text
    assert call(app, "GET", "/file?name=sub%2Fb.txt").text == "another"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "..",
                ".",
                "",
                "sub",
                "a.txt",
                "out",
                "secret.txt",
                "loop",
                "%2e%2e",
                "\\",
                "..\\",
                "\x00",
            ]
        ),
        max_size=8,
    )
)
def test_path_when_made_of_any_parts_never_brings_what_is_outside(
    app: Wiverno, parts: list[str]
) -> None:
    reply = call(app, "GET", "/static/" + "/".join(parts))

    assert reply.code in (200, 404)
    assert SECRET not in reply.text
    assert reply.code == 404 or reply.text in ("a file", "another")


# Cookies.


@pytest.mark.parametrize(
    "cookie",
    [
        "session=" + "x" * 100_000,
        "; ".join(f"c{number}=1" for number in range(20_000)),
        ";" * 50_000,
        "=" * 50_000,
        "session; session=; =session; session==; session",
        "session=a; session=b; session=c",
        'session="unclosed; other=1',
        "session=\x01\x02\x7f; theme=\tdark",
        "session=\u00ff\u0080; \u00fc=1",
        "session=eyJ2aXNpdHMiOjF9.forged",
        "session=.eJw.x.y; session=..; session=...",
        "session=WzEseyJ2aXNpdHMiOjF9XQ.AAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$Version=1; session=x; $Path=/",
        ", ,; session=1, theme=2",
    ],
    ids=lambda cookie: ascii(cookie)[:40],
)
def test_cookie_when_odd_is_no_error_and_no_session(app: Wiverno, cookie: str) -> None:
    reply = call(seeing(app, HTTP_COOKIE=cookie), "GET", "/visits")

    assert reply.status == "200 OK"
    assert reply.json()["visits"] == 1


def test_cookie_when_a_name_comes_twice_has_the_first_value(app: Wiverno) -> None:
    reply = call(app, "GET", "/visits", HTTP_COOKIE="theme=dark; theme=light; other=1")

    assert reply.json()["cookies"] == {"theme": "dark", "other": "1"}


def test_session_when_its_cookie_is_of_another_key_or_changed_begins_anew(
    app: Wiverno, folder: Path
) -> None:
    other = Wiverno(debug_mode=False)
    other.use_sessions("another secret of enough bytes")

    @other.get("/visits")
    def visits(request: Request) -> str:
        request.session["visits"] = 1_000_000
        return ""

    theirs = call(other, "GET", "/visits").headers["Set-Cookie"].partition(";")[0]
    ours = call(app, "GET", "/visits").headers["Set-Cookie"].partition(";")[0]

    assert call(app, "GET", "/visits", HTTP_COOKIE=theirs).json()["visits"] == 1
    assert call(app, "GET", "/visits", HTTP_COOKIE=ours).json()["visits"] == 2
    for place in range(len("session="), len(ours), 7):
        changed = ours[:place] + ("A" if ours[place] != "A" else "B") + ours[place + 1 :]
        # The last character of base64 has bits that mean nothing: the same session, not another.
        assert call(app, "GET", "/visits", HTTP_COOKIE=changed).json()["visits"] in (1, 2)


# Bodies.


class Counted:
    """A `wsgi.input` that has as much as is asked for, and says how much that was."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "a client could send without end"
        self.read_bytes += size
        return b"1" * size

    def readline(self, size: int = -1) -> bytes:
        return self.read(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        return [self.read(hint)]

    def __iter__(self) -> Iterator[bytes]:
        yield self.read()


@pytest.mark.parametrize(
    ("path", "content_type", "limit"),
    [
        ("/data", JSON, LIMITS.max_memory_bytes),
        ("/data", URLENCODED, LIMITS.max_memory_bytes),
        ("/data", FORM, LIMITS.max_form_bytes),
        ("/body", "application/octet-stream", LIMITS.max_memory_bytes),
    ],
)
def test_body_when_its_length_is_over_the_limit_is_a_413_and_not_read(
    app: Wiverno, path: str, content_type: str, limit: int
) -> None:
    for length in (limit + 1, 10**15):
        source = Counted()
        reply = call(
            app,
            "POST",
            path,
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH=str(length),
            **{"wsgi.input": source},
        )

        assert reply.status == "413 Content Too Large"
        assert source.read_bytes == 0


@pytest.mark.parametrize(
    ("path", "content_type", "limit"),
    [
        ("/data", JSON, LIMITS.max_memory_bytes),
        ("/data", URLENCODED, LIMITS.max_memory_bytes),
        ("/body", "application/octet-stream", LIMITS.max_memory_bytes),
    ],
)
def test_body_when_it_has_no_length_and_no_end_is_a_413_at_the_limit(
    app: Wiverno, path: str, content_type: str, limit: int
) -> None:
    source = Counted()
    endless = seeing(app, **{"wsgi.input": source, "wsgi.input_terminated": True})

    reply = call(endless, "POST", path, CONTENT_TYPE=content_type, CONTENT_LENGTH="")

    assert reply.status == "413 Content Too Large"
    assert source.read_bytes <= limit + 1


@pytest.mark.usefixtures("descriptors")
def test_form_when_it_has_no_length_and_no_end_is_a_413_at_the_limit(app: Wiverno) -> None:
    class Endless(Counted):
        def read(self, size: int = -1) -> bytes:
            if self.read_bytes:
                return super().read(size)
            head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
            return head + super().read(size - len(head))

    source = Endless()
    endless = seeing(app, **{"wsgi.input": source, "wsgi.input_terminated": True})

    reply = call(endless, "POST", "/data", CONTENT_TYPE=FORM, CONTENT_LENGTH="")

    assert reply.status == "413 Content Too Large"
    assert source.read_bytes < LIMITS.max_form_bytes + 2 * 64 * 1024


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"1" * (LIMITS.max_memory_bytes - 2000) + b"1" * 2000),
        (JSON, b"{"),
        (JSON, b"\xff\xfe"),
        (JSON, b"NaN"),
        (JSON, b"[" * 10_000),
        (JSON, b'{"a":' * 4_000),
        (JSON, b"[" * 600 + b"]" * 600),
        (JSON, b"[1e999]"),
        (JSON, b'"\\ud800"'),
        (JSON, b'{"\\udfff": 1}'),
        (JSON, b"\x00"),
        (URLENCODED, b"a=%ff"),
        (URLENCODED, b"\xff=1"),
        (f"{URLENCODED}; charset=utf-7", b"a=+AGE-"),
        (f"{URLENCODED}; charset=idna", b"a=1"),
        (f"{URLENCODED}; charset=rot13", b"a=1"),
        (f"{URLENCODED}; charset=" + "x" * 5_000, b"a=1"),
        (f"{URLENCODED}; charset=\u00e9", b"a=1"),
        (f"{URLENCODED}; charset=../../etc/passwd", b"a=1"),
        (FORM, b"no part"),
        (FORM, b"--b"),
        (FORM, b"--b\r\n"),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nunfinished'),
        (FORM, b"--b\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--b--\r\n"),
        (FORM, b"--b\r\n\r\nno header\r\n--b--\r\n"),
        (FORM, b"--b\r\n\xff\xfe: \x00\r\n\r\n1\r\n--b--\r\n"),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n'),
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=", b"--b--"),
        ("multipart/form-data; boundary=" + "b" * 1000, b"--b--"),
        ("multipart/form-data; boundary=\u00e9", b"--b--"),
    ],
    ids=lambda value: ascii(value)[:40],
)
@pytest.mark.usefixtures("descriptors")
def test_body_when_it_is_not_what_its_type_says_is_a_400(
    app: Wiverno, content_type: str, body: bytes
) -> None:
    for path in ("/data", "/echo"):
        assert post(app, path, content_type, body).status == "400 Bad Request"


def _part(name: str, extra: str = "", content: str = "1") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{content}\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, "&".join(f"a{number}=1" for number in range(LIMITS.max_fields + 1))),
        (URLENCODED, "&" * LIMITS.max_fields),
        (FORM, "".join(_part(f"a{n}") for n in range(LIMITS.max_fields + 1)) + "--b--\r\n"),
        (FORM, "".join(_part("f", '; filename="x"') for _ in range(LIMITS.max_files + 1))),
        (FORM, _part("a" * LIMITS.max_part_header_bytes) + "--b--\r\n"),
        (FORM, _part("a", content="1" * (LIMITS.max_memory_bytes + 1)) + "--b--\r\n"),
    ],
    ids=["fields", "empty fields", "parts", "files", "part header", "text"],
)
@pytest.mark.usefixtures("descriptors")
def test_form_when_it_has_more_than_a_limit_allows_is_a_413(
    app: Wiverno, content_type: str, body: str
) -> None:
    assert post(app, "/data", content_type, body.encode()).status == "413 Content Too Large"


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            "",
            ";",
            "/",
            "application",
            "a/b/c",
            "application/json/",
            ";charset=utf-8",
            "\u00ff/\u00fe",
        ),
        *("text/html;" + ";" * 20_000, 'text/html; a="' + "\\" * 50_000, "x" * 50_000),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_body_when_its_type_is_no_known_one_is_left_alone(app: Wiverno, content_type: str) -> None:
    reply = post(app, "/data", content_type, b"{")

    assert (reply.status, reply.json()) == ("200 OK", {})


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5x", "0x5", " 5", "5 ", "\uff15", "1e3", "", "9" * 5_000]
)
def test_body_when_its_length_is_no_number_is_none(app: Wiverno, length: str) -> None:
    reply = call(seeing(app, CONTENT_LENGTH=length), "POST", "/body", body=b"12345")

    assert (reply.status, reply.body) == ("200 OK", b"")


def test_body_when_it_ends_before_its_length_is_a_400(app: Wiverno) -> None:
    for path, content_type in (("/data", JSON), ("/data", FORM), ("/body", "")):
        short = seeing(app, CONTENT_LENGTH="100")

        assert post(short, path, content_type, b"--b").status == "400 Bad Request"  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "POST"])
@pytest.mark.usefixtures("descriptors")
def test_form_when_sent_with_any_method_leaves_no_file_open(method: str) -> None:
    app = Wiverno(debug_mode=False, body_limits=LIMITS)
    kept: list[UploadedFile] = []

    @app.route("/upload")
    def upload(request: Request) -> str:
        kept.append(request.data["f"])
        return "quick"

    @app.route("/upload-slowly")
    def slowly(request: Request) -> Response:
        kept.append(request.data["f"])
        return Response(iter(["s", "low"]))

    @app.route("/upload-in-vain")
    def in_vain(request: Request) -> Response:
        kept.append(request.data["f"])
        raise HTTPError(409)

    body = (_part("f", '; filename="x"', "1" * 1000) + "--b--\r\n").encode()
    for path in ("/upload", "/upload-slowly", "/upload-in-vain"):
        call(app, method, path, body=body, CONTENT_TYPE=FORM)

    assert [file.size for file in kept] == [1000] * 3
    assert all(file.stream.closed for file in kept)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Nobody but the view has that file.
@pytest.mark.usefixtures("descriptors")
def test_bad_body_when_read_by_a_view_keeps_nothing_of_the_view_alive(folder: Path) -> None:
    app = Wiverno(debug_mode=False)

    @app.post("/")
    def view(request: Request) -> Any:
        response = Response.file(folder / "a.txt")
        response.body = request.data  # In vain: the file has to be given back all the same.
        return response

    for _ in range(3):
        assert post(app, "/", JSON, b"{").status == "400 Bad Request"


def test_bad_body_when_read_again_is_the_same_error(app: Wiverno) -> None:
    errors: list[HTTPError] = []
    app = Wiverno(debug_mode=False)

    @app.post("/")
    def view(request: Request) -> str:
        for _ in range(2):
            with pytest.raises(HTTPError) as caught:
                _ = request.data
            errors.append(caught.value)
        return ""

    post(app, "/", JSON, b"{")

    assert len({(type(error), error.status_code, str(error)) for error in errors}) == 1


# Request targets and methods.


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/str/%", 200),
        ("/str/%zz", 200),
        ("/str/\x00\x01\x1f\x7f", 200),
        ("/str/\r\nX-Injected: 1", 200),
        ("/str/\x80\xff", 200),
        ("/str/\xed\xa0\x80", 200),
        ("/str/<script>", 200),
        ("/str/{v}", 200),
        ("/str/" + "x" * 500_000, 200),
        ("/path/" + "a/" * 100_000 + "b", 200),
        ("/str/" + "a/" * 100_000 + "b", 404),
        ("/" * 100_000, 404),
        ("/int/" + "9" * 300, 200),
        ("/int/" + "9" * 5_000, 404),
        ("/int/\xd9\xa1\xd9\xa2", 404),
        ("/float/" + "9" * 300 + "." + "9" * 300, 200),
        ("/float/inf", 404),
        ("/day/2024-02-30", 404),
        ("/day/" + "9" * 5_000, 404),
        ("/file-" + "." * 250, 200),
        ("/file-" + "." * 50_000, 404),
        ("/range/1-2-3", 404),
        ("/range/--1--2", 404),
        ("*", 404),
        ("http://example.com/str/a", 404),
        ("example.com:443", 404),
        ("", 200),
        ("//", 200),
        ("//example.com/str/a", 404),
        ("/mounted/../../etc/passwd", 200),
        ("/mountedx", 404),
        ("/inner/%2e%2e", 200),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_path_when_odd_is_found_or_not_but_no_error(app: Wiverno, path: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        reply = call(seeing(app, PATH_INFO=path, REQUEST_METHOD=method))

        assert reply.code == status
    assert call(seeing(app, PATH_INFO=path, REQUEST_METHOD="DELETE")).code in (200, 404, 405)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("%", 200),
        ("%zz=%&%=%", 200),
        ("a=%ff%fe&\xff=\xfe", 200),
        ("a=\x00\r\n", 200),
        ("=" * 100_000, 200),
        (";" * 100_000, 200),
        ("a=" + "%41" * 100_000, 200),
        ("a[b][c][]=1&a[b]=2", 200),
        ("__class__=1&__init__=2", 200),
        ("a=" + "1&a=" * (LIMITS.max_fields - 1), 200),
        ("&".join("abcdefgh" for _ in range(LIMITS.max_fields + 1)), 400),
        ("&" * 1_000_000, 400),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_query_when_odd_is_read_as_it_can_be(app: Wiverno, query: str, status: int) -> None:
    for path in ("/notes", "/any", "/file"):
        reply = call(seeing(app, QUERY_STRING=query), "GET", path)

        assert reply.code in {"/notes": (status,), "/any": (200,), "/file": (status,)}[path]


@pytest.mark.parametrize(
    "method",
    ["PROPFIND", "CONNECT", "TRACE", "M-SEARCH", "X" * 10_000, "__CALL__", "_HANDLER", "*"],
)
def test_method_when_a_view_lacks_it_is_a_405(app: Wiverno, method: str) -> None:
    for path in ("/notes", "/str/a", "/static/a.txt"):
        reply = call(app, method, path)

        assert reply.status == "405 Method Not Allowed"
        assert "GET" in reply.headers["Allow"]
    assert call(app, method, "/nothing").status == "404 Not Found"
    assert call(app, method, "/any").status == "200 OK"


@pytest.mark.parametrize("method", ["get", "head", "Get", "hEAD"])
@pytest.mark.parametrize(
    "path", ["/any", "/notes", "/str/a", "/static/a.txt", "/visits", "/nothing"]
)
def test_method_when_not_in_capitals_is_framed_as_the_server_understands_it(
    app: Wiverno, path: str, method: str
) -> None:
    # RFC 9110 9.1: a server takes it for another method than HEAD, so the content has to come.
    reply = call(app, method, path)

    assert reply.headers["Content-Length"] == str(len(reply.body))


def test_options_when_asked_of_the_whole_server_is_no_error(app: Wiverno) -> None:
    # RunServer hands `OPTIONS *` on with an empty path (RFC 3875 4.1.5), gunicorn with the star.
    for path in ("", "/", "*"):
        reply = call(seeing(app, PATH_INFO=path), "OPTIONS")

        assert reply.code in (204, 404)
    assert call(app, "OPTIONS", "/notes").headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/int/7", "/float/1.5", "/str/a", "/path/a/b", "/file-a.b", "/range/1-2", "/any"),
        *("/link/a", "/data", "/echo", "/body", "/stream", "/file", "/file?name=x", "/visits"),
        *("/accepts", "/headers", "/static/a.txt", "/static/x", "/notes", "/nothing", "/group/g"),
        *("/group/g/members", "/group/evil/members", "/mounted", "/inner/x", "/inner/x/y/z/w"),
    ],
)
@pytest.mark.usefixtures("descriptors")
def test_head_when_asked_of_anything_has_the_head_of_get_and_no_content(
    app: Wiverno, path: str
) -> None:
    got, head = call(app, "GET", path), call(app, "HEAD", path)

    assert head.status == got.status
    if path.startswith("/mounted"):
        return  # Another application's answer, which the server cuts.
    assert head.body == b""
    varying = (
        ("Set-Cookie",) if path == "/visits" else ("Content-Length",) if path == "/any" else ()
    )
    for reply in (got, head):
        for name in varying:
            del reply.headers[name]
    assert head.headers == got.headers


@pytest.mark.parametrize(
    "header",
    [
        *("bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=--1", "bytes=0-0,", "lines=1-2"),
        *("bytes=0-" + "9" * 5_000, "bytes=" + "0-0," * 20_000, "bytes=-" + "9" * 5_000, "\u00ff"),
        *("bytes=0-18446744073709551616", "bytes=18446744073709551616-", "bytes=0-0\x00"),
    ],
    ids=lambda value: ascii(value)[:40],
)
@pytest.mark.usefixtures("descriptors")
def test_range_when_odd_brings_the_whole_or_none(app: Wiverno, header: str) -> None:
    reply = call(seeing(app, HTTP_RANGE=header), "GET", "/static/a.txt")

    assert reply.code in (200, 206, 416)
    assert reply.headers["Content-Length"] == str(len(reply.body))


@pytest.mark.parametrize("name", ["HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_RANGE"])
@pytest.mark.parametrize(
    "value",
    ["", '"', '"' * 50_001, "*, *", "W/" * 20_000, "\u00ff\x00", '"a' * 20_000, "," * 50_000],
)
@pytest.mark.usefixtures("descriptors")
def test_condition_when_odd_is_no_error(app: Wiverno, name: str, value: str) -> None:
    assert call(seeing(app, **{name: value}), "GET", "/static/a.txt").code in (200, 304, 412)


@pytest.mark.parametrize("name", ["HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"])
@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "0", "-1", "Sun, 99 Nov 1994 99:99:99 GMT", "\u0661" * 10),
        *("Sun, 06 Nov 0000 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:60 GMT", "x" * 50_000),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_date_when_odd_is_no_error(app: Wiverno, name: str, value: str) -> None:
    assert call(seeing(app, **{name: value}), "GET", "/static/a.txt").code in (200, 304, 412)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example/path", "a\r\nX: 1", "a" * 50_000 + "@", "[::1", "a:b", "\u00ff", "<b>"],
)
def test_host_when_it_is_none_is_not_repeated(app: Wiverno, host: str) -> None:
    reply = call(seeing(app, HTTP_HOST=host), "GET", "/any")

    assert reply.text == "GET http://127.0.0.1/any 127.0.0.1"


# Error pages.

GARBAGE = [
    *("", ",", ";", "*", "*/*", "/", "text/", "/html", "text/html;q=2", "text/html;q=nan", "q=1"),
    *("text/html;q=0", "*/*;q=0", "text/*", "application/vnd.x+json", "a/b;" + "c=d;" * 5_000),
    *("text/html," * 10_000, '"' * 50_000, "a/b;c=" + '"' + "\\" * 50_000, "\u00ff/\u00fe", "\x00"),
]
PAGE_TYPES = {
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/json",
    "application/problem+json",
}


@pytest.mark.parametrize("accept", GARBAGE, ids=lambda value: ascii(value)[:40])
@pytest.mark.parametrize("debug", [True, False])
def test_error_page_when_accept_is_garbage_is_still_the_error(
    folder: Path, accept: str, debug: bool
) -> None:
    app = seeing(many_routes(folder, debug_mode=debug), HTTP_ACCEPT=accept)

    replies = [
        call(app, "GET", "/nothing"),
        call(app, "PUT", "/notes"),
        call(app, "POST", "/data", body=b"{", CONTENT_TYPE=JSON),
        call(app, "GET", "/accepts"),
    ]

    assert [reply.code for reply in replies] == [404, 405, 400, 200]
    assert {reply.headers["Content-Type"] for reply in replies} <= PAGE_TYPES


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_error_page_when_accept_is_any_text_is_still_the_error(app: Wiverno, accept: str) -> None:
    reply = call(seeing(app, HTTP_ACCEPT=accept), "GET", "/nothing")

    assert reply.code == 404
    assert reply.headers["Content-Type"] in PAGE_TYPES


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/json"])
def test_error_page_when_not_debug_tells_nothing_of_the_application(
    folder: Path, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = many_routes(folder)

    @app.get("/fails/{v}")
    def fails(request: Request) -> None:
        password = "hunter2"
        raise LookupError(f"{password} {__file__}")

    @app.get("/fails-with-a-cause")
    def with_a_cause(request: Request) -> None:
        try:
            fails(request)
        except LookupError as error:
            raise HTTPError(503) from error

    @app.get("/unusable")
    def unusable(request: Request) -> object:
        return {"hunter2": {1, 2}}

    told = [
        call(app, method, path, HTTP_ACCEPT=accept)
        for method, path in [
            ("GET", "/fails/7"),
            ("GET", "/fails-with-a-cause"),
            ("GET", "/unusable"),
            ("GET", "/nothing"),
            ("GET", "/static/../secret.txt"),
            ("DELETE", "/notes"),
        ]
    ]

    assert [reply.code for reply in told] == [500, 503, 500, 404, 404, 405]
    for reply in told:
        text = f"{reply.text} {reply.header_list}"
        for secret in (
            *("hunter2", "Traceback", "LookupError", "Error:", ".py", "wiverno", "line "),
            *("/fails", "/notes", "/static", "/range", "{v", str(folder), "Notes", "lambda"),
        ):
            assert secret not in text, reply
    assert "hunter2" in caplog.text


def test_log_when_a_path_holds_line_ends_has_no_line_of_the_client(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app = Wiverno(debug_mode=False, page_500=lambda request, report: 1 / 0)
    app.get("/{v}")(lambda request: None)

    call(seeing(app, PATH_INFO="/a\nERROR forged\x1b[31m\xe2\x80\xa8"))

    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert not [each for each in messages if not each.isprintable()]
    assert "forged" in messages[0]


# Work.

LONG = 1_000_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_ACCEPT", "text/html;" + " " * LONG + "\u00e9"),
        ("HTTP_ACCEPT", 'text/html;a="' + " " * LONG),
        ("HTTP_ACCEPT", "text/html;a=" + "\t" * LONG + '"'),
        ("HTTP_ACCEPT", "text/html;a=b" + " " * LONG + "c"),
        ("HTTP_ACCEPT", "text/html;a" + " " * LONG + "="),
        ("HTTP_ACCEPT", '"' + "\\" * LONG),
        ("CONTENT_TYPE", "multipart/form-data;" + " " * LONG + "\u00e9"),
        ("CONTENT_TYPE", "application/json;" * (LONG // 17)),
        ("HTTP_COOKIE", "a" * LONG + "=" + '"' * LONG),
        ("HTTP_HOST", "a." * (LONG // 2) + "/"),
        ("HTTP_IF_NONE_MATCH", '"' + "a" * LONG),
        ("HTTP_RANGE", "bytes=" + "1" * LONG + "-"),
        ("HTTP_IF_MODIFIED_SINCE", " " * LONG),
        ("PATH_INFO", "/file-" + "a.a" * (LONG // 3)),
        ("PATH_INFO", "/static/" + "a/" * (LONG // 2)),
        ("PATH_INFO", "/path" + "/edit" * (LONG // 5)),
        ("QUERY_STRING", "%" * LONG),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_request_when_made_to_be_slow_costs_time_in_proportion(
    app: Wiverno, name: str, value: str
) -> None:
    # A quadratic step would need hours for this many characters, and the test has two minutes.
    for path in ("/nothing", "/data", "/any", "/static/a.txt", "/visits", "/notes"):
        asked = {"PATH_INFO": path, "CONTENT_TYPE": "text/html", name: value}
        assert call(seeing(app, **asked), "GET", path).code < 500
