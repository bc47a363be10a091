"""UNIX sockets: what is in the way of binding, whose the file is, and what requests look like."""

import errno
import logging
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.core.server.serving import DEADLINE_S, get
from wiverno.core.server import RunServer
from wiverno.core.server.unix_listener import UnixSocketError, bind_unix
from wiverno.core.wsgi_types import Environ, StartResponse

Start = Callable[..., RunServer]


def show_environ(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    names = ("REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme")
    return [" ".join(str(environ.get(name)) for name in names).encode()]


def left_behind(path: Path) -> None:
    """A socket file as a killed server leaves it."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


@pytest.fixture
def start_on() -> Iterator[Start]:
    """Start a RunServer on a path; it is stopped after the test."""
    started: list[tuple[RunServer, threading.Thread]] = []

    def start(path: Path, **options: object) -> RunServer:
        server = RunServer(show_environ, uds=str(path), **options)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.start)
        thread.start()
        started.append((server, thread))
        assert server.wait_until_bound(DEADLINE_S)
        return server

    yield start
    for server, thread in started:
        server.stop()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def ask(path: Path, *fields: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE_S)
        sock.connect(str(path))
        sock.sendall(get("/", "Connection: close", *fields))
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    return received.partition(b"\r\n\r\n")[2]


def test_server_on_a_unix_socket_serves_and_removes_the_file(
    tmp_path: Path, start_on: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wiverno.core.server")
    path = tmp_path / "server.sock"
    server = start_on(path)
    assert ask(path) == b" None localhost 80 http"
    assert server.addresses == [(str(path), 0)]
    assert caplog.messages[0] == f"Wiverno server started on unix:{path}"
    server.stop()
    assert not path.exists()


def test_server_on_a_unix_socket_believes_its_proxy(tmp_path: Path, start_on: Start) -> None:
    path = tmp_path / "server.sock"
    start_on(path, server_name="shop.test")
    fields = ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https")
    assert ask(path, *fields) == b"9.9.9.9 None shop.test 443 https"


def test_bind_unix_lets_other_users_connect(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    listener = bind_unix(str(path), 5)
    mode = path.stat().st_mode
    listener.sock.close()
    listener.remove_file()
    assert stat.S_IMODE(mode) == 0o666
    assert not path.exists()


def test_bind_unix_when_nobody_answers_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    left_behind(path)
    bind_unix(str(path), 5).sock.close()


@pytest.mark.parametrize("backlog", [0, 5])
def test_bind_unix_when_a_server_answers_leaves_it_alone(tmp_path: Path, backlog: int) -> None:
    path = tmp_path / "server.sock"
    waiting = []
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen(backlog)
        for _ in range(backlog + 1):  # Full: it cannot even be connected to.
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].connect(str(path))
        with pytest.raises(OSError, match="Address already in use") as caught:
            bind_unix(str(path), 5)
        for each in waiting:
            each.close()
    assert caught.value.errno == errno.EADDRINUSE
    assert f"unix:{path}. Choose another path, or stop the server" in str(caught.value)
    assert path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link to a file"])
def test_bind_unix_when_the_file_is_no_socket_never_removes_it(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "server.sock", tmp_path / "target"
    target.write_text("mine")
    match kind:
        case "file":
            path.write_text("mine")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(target)
    with pytest.raises(UnixSocketError, match=r"File exists: unix:.*It is no socket"):
        bind_unix(str(path), 5)
    assert path.exists()
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "number", "remedy"),
    [
        ("absent/server.sock", errno.ENOENT, "mkdir -p"),
        ("x" * 200, errno.ENAMETOOLONG, "Choose a shorter one"),
    ],
)
def test_bind_unix_when_it_cannot_says_what_to_do(
    tmp_path: Path, name: str, number: int, remedy: str
) -> None:
    with pytest.raises(OSError, match=remedy) as caught:
        bind_unix(str(tmp_path / name), 5)
    assert caught.value.errno == number
    assert os.strerror(number) in str(caught.value)


def test_bind_unix_when_forbidden_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refuse)
    with pytest.raises(UnixSocketError, match=r"Permission denied.*this user may write to"):
        bind_unix(str(tmp_path / "server.sock"), 5)


def test_remove_file_when_another_server_has_the_path_leaves_its_file(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    first = bind_unix(str(path), 5)
    first.sock.close()
    second = bind_unix(str(path), 5)
    first.remove_file()
    assert path.exists()
    second.sock.close()
    second.remove_file()
    second.remove_file()
    assert not path.exists()


def test_remove_file_after_the_folder_was_changed_finds_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listener = bind_unix("server.sock", 5)
    monkeypatch.chdir("/")
    listener.sock.close()
    listener.remove_file()
    assert not (tmp_path / "server.sock").exists()


def test_server_that_cannot_be_made_leaves_no_socket_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    path = tmp_path / "server.sock"
    monkeypatch.setattr("wiverno.core.server.accept_loop.Wakeup", fail)
    with pytest.raises(MemoryError):
        RunServer(show_environ, uds=str(path)).start()
    assert not path.exists()
