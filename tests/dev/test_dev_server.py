"""The class, as a program of one's own uses it."""

import inspect
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.dev.harness import VERSIONED_APP, get
from wiverno.dev.dev_server import DevServer

pytestmark = pytest.mark.processes


@pytest.fixture
def application(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (project / "app.py").write_text(VERSIONED_APP.format(version=3))
    monkeypatch.chdir(project)
    return project


@contextmanager
def started(server: DevServer) -> Iterator[threading.Thread]:
    """`start()` in a thread; it must have ended when the block does."""
    thread = threading.Thread(target=server.start)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.addresses:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        yield thread
    finally:
        server.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_attributes_are_the_parameters_and_their_defaults() -> None:
    server = DevServer("myapp.main")

    assert server.app_module == "myapp.main"
    assert (server.app_name, server.host, server.port) == ("app", "localhost", 8000)
    assert server.watch_dirs == [str(Path.cwd())]
    assert server.ignore_patterns == [
        *("__pycache__", ".venv", "venv", ".git", ".pytest_cache", ".mypy_cache"),
        *(".ruff_cache", "tests", "htmlcov", ".coverage"),
    ]
    assert server.debounce_seconds == 1.0
    assert server.addresses == []


def test_serve_takes_every_parameter_of_the_constructor() -> None:
    constructor = list(inspect.signature(DevServer).parameters.values())
    serve = list(inspect.signature(DevServer.serve).parameters.values())

    assert [parameter.name for parameter in serve] == [parameter.name for parameter in constructor]
    assert serve[0].default == "run"
    assert [p.default for p in serve[1:]] == [p.default for p in constructor[1:]]


def test_start_in_a_thread_serves_until_stop_returns(application: Path) -> None:
    server = DevServer("app", port=0)
    with started(server) as thread:
        port = server.addresses[0][1]
        body = get(port).body
        server.stop()
        alive_after_stop = thread.is_alive()

        with pytest.raises(ConnectionRefusedError):
            get(port)

    assert body == "000003"
    # stop() returns when the session is gone; its thread has at most to return.
    assert not alive_after_stop or not thread.is_alive()
    assert not children()


def test_restart_from_another_thread_brings_changes_in_when_manual(application: Path) -> None:
    server = DevServer("app", port=0, reload="manual")
    server.restart()  # Nothing runs yet.
    with started(server):
        port = server.addresses[0][1]
        bodies = [get(port).body]
        (application / "app.py").write_text(VERSIONED_APP.format(version=4))
        bodies.append(get(port).body)
        server.restart()
        deadline = time.monotonic() + 10
        while (body := get(port).body) == "000003":
            assert time.monotonic() < deadline

    assert [*bodies, body] == ["000003", "000003", "000004"]


def test_stop_twice_and_after_the_end_is_harmless(application: Path) -> None:
    server = DevServer("app", port=0)
    with started(server):
        server.stop()
        server.stop()
    server.stop()


def test_stop_before_start_makes_start_return_at_once(application: Path) -> None:
    server = DevServer("app", port=0)
    server.stop()
    server.start()

    assert not children()


def test_start_raises_os_error_when_the_port_is_taken(application: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Address already in use.*{port}"):
            DevServer("app", port=port).start()


def test_start_raises_os_error_for_a_number_that_is_no_port(application: Path) -> None:
    with pytest.raises(OSError, match="port=70000 is not a TCP port"):
        DevServer("app", port=70000).start()


def test_start_raises_value_error_for_a_bad_debounce(application: Path) -> None:
    with pytest.raises(ValueError, match="debounce_seconds=-1"):
        DevServer("app", port=0, debounce_seconds=-1).start()


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ({"on_error": "ignore"}, "on_error='ignore' is not a choice. Use 'page' or 'keep'"),
        ({"reload": ""}, "reload='' is not a choice. Use 'auto' or 'manual'"),
        ({"wait_timeout_seconds": 0}, "wait_timeout_seconds=0 must be more than 0"),
        ({"build_timeout_seconds": float("inf")}, "build_timeout_seconds=inf must be"),
        ({"watch_files": ["."]}, "watch_files: .* is a directory. Name a file"),
        ({"watch_files": "app.py"}, "watch_files='app.py' is one text. Give a list"),
        ({"unwatch_files": ["."]}, "unwatch_files: .* is a directory"),
        ({"unwatch_files": [""]}, "unwatch_files holds an empty path"),
        ({"static_dirs": ["app.py"]}, "static_dirs: .*app.py' is a file. Name its folder"),
        ({"watch_files": ["a"], "unwatch_files": ["./a"]}, "both name '.*a'. Leave it in one"),
    ],
)
def test_start_raises_value_error_for_a_bad_option(
    application: Path, option: dict[str, Any], what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        DevServer("app", port=0, **option).start()


def test_signal_to_restart_is_put_back_afterwards(application: Path) -> None:
    code = (
        "import os, signal, threading\n"
        "from wiverno.dev.dev_server import DevServer\n"
        "before = lambda number, frame: None\n"
        "signal.signal(signal.SIGUSR1, before)\n"
        "server = DevServer('app', port=0)\n"
        "server.stop()\n"
        "server.start()\n"
        "assert signal.getsignal(signal.SIGUSR1) is before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_missing_watch_directory_is_named(application: Path) -> None:
    with pytest.raises(Exception, match="nowhere"):
        DevServer("app", port=0, watch_dirs=["./nowhere"]).start()
    assert not children()


def test_nothing_is_left_of_a_session(application: Path) -> None:
    before = descriptors()
    server = DevServer("app", port=0)
    with started(server):
        get(server.addresses[0][1])

    assert descriptors() == before
    assert not children()
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]


def descriptors() -> dict[str, str]:
    """What this process holds open; the one that reads the list is gone when it is read."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            found[link.name] = str(link.readlink())
        except FileNotFoundError:
            continue
    return found


def children() -> str:
    return Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text()
