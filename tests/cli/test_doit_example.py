"""`examples/doit`, with the real doit."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.background_command import Background, port_of
from tests.dev.harness import get, processes_of_session

pytestmark = pytest.mark.processes

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "doit"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Background]:
    for name in ("dodo.py", "run.py"):
        shutil.copy(_EXAMPLE / name, tmp_path)
    with Background(tmp_path, "server.pid") as server:
        yield server


def _doit(server: Background, *words: str) -> subprocess.CompletedProcess[str]:
    # The commands of the tasks are found as in an activated environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "doit", *words],
        cwd=server.folder,
        env={**os.environ, "PATH": path, "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_doit_when_it_starts_restarts_and_stops_does_so(server: Background) -> None:
    started = _doit(server, "start")
    assert started.returncode == 0, started.stderr
    status = server.status()
    assert get(port_of(status)).body == "Hello from a session in the background!"

    assert _doit(server, "start").returncode != 0

    restarted = _doit(server)
    assert restarted.returncode == 0, restarted.stderr
    assert "Restart #2 serves: " in restarted.stdout

    # No task, no `doit auto`: what was saved is in the next answer.
    source = server.folder / "run.py"
    source.write_text(source.read_text().replace("Hello", "Goodbye"))
    assert get(port_of(status)).body == "Goodbye from a session in the background!"

    assert _doit(server, "stop").returncode == 0
    assert _doit(server, "stop").returncode != 0
    assert processes_of_session(status["session"]) == []


def test_doit_when_restart_finds_no_server_starts_one(server: Background) -> None:
    done = _doit(server, "restart")

    assert done.returncode == 0, done.stderr
    assert server.status()["restart"] == 1


def test_doit_when_the_new_code_is_broken_the_task_fails_and_says_why(server: Background) -> None:
    _doit(server, "start")
    (server.folder / "run.py").write_text("1 / 0\n")

    done = _doit(server)

    assert done.returncode != 0
    assert "ZeroDivisionError: division by zero" in done.stdout + done.stderr


def test_doit_auto_when_asked_for_is_gone(server: Background) -> None:
    # If it comes back, the example and docs/how-to.md have something to say about it.
    done = _doit(server, "auto", "restart")

    assert done.returncode != 0
    assert "auto" in done.stderr
    assert not server.pid_file.exists()
