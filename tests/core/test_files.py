"""Files that are served: found only below their folder, opened without waiting."""

import errno
import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiverno.core.files import OpenFile, media_type, open_regular, safe_join


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to serve, beside one that must stay unseen, with links between them."""
    top = tmp_path_factory.mktemp("served")
    (top / "public-secret").mkdir()
    (top / "public-secret" / "key").write_text("secret")
    root = top / "public"
    (root / "css").mkdir(parents=True)
    (root / "index.html").write_text("index")
    (root / "css" / "a b.css").write_text("css")
    (root / "%2e%2e").mkdir()
    (root / "%2e%2e" / "x").write_text("odd, but inside")
    (root / "inside").symlink_to("css")
    (root / "outside").symlink_to(top / "public-secret")
    (root / "key").symlink_to("../public-secret/key")
    (root / "circle").symlink_to("circle")
    (root / "dangling").symlink_to("nowhere")
    return root


def open_descriptors() -> list[str]:
    return sorted(each.name for each in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("index.html", "index.html"),
        ("css/a b.css", "css/a b.css"),
        ("inside/a b.css", "css/a b.css"),
        ("css", "css"),
        ("missing/too", "missing/too"),
        ("...", "..."),
        ("%2e%2e/x", "%2e%2e/x"),
        ("dangling", "nowhere"),
    ],
)
def test_safe_join_when_below_the_root_gives_the_path(root: Path, text: str, found: str) -> None:
    assert safe_join(root, text) == root / found
    assert safe_join(str(root), text) == root / found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "../public/index.html",
        "../public-secret/key",
        "css/../index.html",
        "css/../../public-secret/key",
        "./index.html",
        "css/",
        "css//a b.css",
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "..\\index.html",
        "css\\a b.css",
        "\\\\host\\share",
        "C:/x",
        "c:x",
        "index.html\x00",
        "index.html\x00.png",
        "index.html\n",
        "\x7f",
        "\ud800",
        "outside/key",
        "outside",
        "key",
        "x/" * 1_000_000 + "x",  # At once: to look at each part takes hours.
    ],
)
def test_safe_join_when_it_leads_elsewhere_or_is_odd_gives_none(root: Path, text: str) -> None:
    assert safe_join(root, text) is None


def test_safe_join_when_the_root_is_a_link_or_everything_works(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)

    assert safe_join(tmp_path / "link", "index.html") == root / "index.html"
    assert safe_join("/", "etc") == Path("/etc").resolve()


@pytest.mark.parametrize(
    "text", ["x" * 300, "x/" * 2000 + "x", "circle", "circle/x", "index.html/x"]
)
def test_open_when_no_such_file_can_be_is_file_not_found(root: Path, text: str) -> None:
    path = safe_join(root, text)

    assert path is not None
    with pytest.raises(FileNotFoundError):
        open_regular(path, follow_last=False)


PIECES = st.sampled_from(
    [
        *("..", ".", "", "/", "\\", "\0", "%2e%2e", "%2f", "..;", "\uff0e\uff0e", "C:", "~"),
        *("css", "index.html", "key", "outside", "inside", "circle", "a b.css"),
        *("\ud800", "x" * 300),
    ]
)


@settings(
    derandomize=True,
    deadline=None,
    max_examples=500,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(PIECES | st.text(max_size=3), max_size=8), st.sampled_from(["/", "", "\\"]))
def test_open_when_the_text_is_hostile_never_leaves_the_root(
    root: Path, pieces: list[str], separator: str
) -> None:
    path = safe_join(root, separator.join(pieces))
    if path is None:
        return
    assert path.is_relative_to(root.resolve())
    try:
        opened = open_regular(path, follow_last=False)
    except FileNotFoundError:
        return
    with opened.file:
        assert opened.file.read() != b"secret"


def test_open_when_regular_knows_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    os.utime(path, ns=(0, 784111777_123456789))

    opened = open_regular(path)

    with opened.file:
        assert opened.file.read() == b"hello"
    assert (opened.size_bytes, opened.modified_ns) == (5, 784111777_123456789)
    assert opened.last_modified == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert re.fullmatch(r'"[0-9a-f]+-5"', opened.etag)


def test_etag_when_time_or_size_differ_differs(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w+b") as file:
        tags = {OpenFile(file, size, time).etag for size in (1, 17) for time in (1, 2, 17)}

    assert len(tags) == 6


@pytest.mark.parametrize("year", [1960, 2200])
def test_last_modified_when_never_or_in_the_future_is_not_told(tmp_path: Path, year: int) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    os.utime(path, (moment, moment))

    opened = open_regular(path)

    with opened.file:
        assert opened.last_modified is None
        assert opened.etag


def test_open_when_no_regular_file_is_file_not_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # Opened plainly, it would wait for a writer for ever.
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        for path in (
            *(tmp_path / "pipe", tmp_path / "link", tmp_path / "socket", tmp_path),
            *(Path("/dev/null"), Path("/dev/zero"), tmp_path / "missing"),
        ):
            with pytest.raises(FileNotFoundError):
                open_regular(path)


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 300, "x/" * 5000])
def test_open_when_no_file_can_have_the_name_is_file_not_found(path: str) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(path)


def test_open_when_the_last_part_is_a_link_follows_it_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")

    open_regular(tmp_path / "link").file.close()
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "link", follow_last=False)


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EACCES, FileNotFoundError), (errno.EPERM, FileNotFoundError), (errno.EMFILE, OSError)],
)
def test_open_when_the_system_refuses_tells_absence_from_its_own_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[OSError]
) -> None:
    (tmp_path / "file").touch()

    def refuse(path: object, flags: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(OSError) as caught:  # noqa: PT011  # Its class is what is asked below.
        open_regular(tmp_path / "file")

    assert type(caught.value) is error


def test_open_when_it_became_a_pipe_meanwhile_closes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    before = open_descriptors()
    system_open = os.open

    monkeypatch.setattr("os.open", lambda path, flags: system_open(tmp_path / "pipe", flags))
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "file")

    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.webp", "image/webp"),
        ("a.pdf", "application/pdf"),
        # Sent packed, as it is: saying Content-Encoding would unpack it on the way.
        ("a.tar.gz", "application/gzip"),
        ("a.js.gz", "application/gzip"),
        ("a.css.br", "application/octet-stream"),
        ("a.unknownending", "application/octet-stream"),
        ("README", "application/octet-stream"),
        (".css", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
        ("http://a/b.png", "image/png"),
    ],
)
def test_media_type_when_named_is_what_browsers_expect(name: str, content_type: str) -> None:
    assert media_type(name) == content_type
