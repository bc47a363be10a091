"""`wiverno run dev` as a process: what the command line itself does there."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO, RunningProgram, free_port

pytestmark = pytest.mark.processes

# Answers with the pid of the process that imported it and what a cold start would see.
_PROBE = """
import json, os, sys
IMPORTED_BY = os.getpid()
def application(environ, start_response):
    body = json.dumps({"imported_by": IMPORTED_BY, "first_path": sys.path[0]}).encode()
    start_response("200 OK", [("Content-Type", "application/json"),
                              ("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_when_started_imports_the_app_in_another_process_and_ends_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "site_module.py").write_text(_PROBE)
    port = free_port()
    words = ["-m", "site_module", "-a", "application", "-w", ".", "--ignore", "*.log,static/"]
    command = [*WIVERNO, "run", "dev", *words, "--debounce", "0.2", "-p", str(port)]

    with RunningProgram(command, tmp_path) as program:
        status, body = program.get(port)
        seen = json.loads(body)
        assert status == 200
        assert seen["imported_by"] != program.process.pid
        assert seen["first_path"] in ("", str(tmp_path), os.path.realpath(tmp_path))
        assert program.end(number) == 0


def test_dev_when_the_port_is_taken_is_one_line_and_2(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(_PROBE)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*WIVERNO, "run", "dev", "-a", "application", "-p", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert done.returncode == 2
    assert done.stderr.startswith("Error: Address already in use")
    assert done.stderr.count("\n") == 1
