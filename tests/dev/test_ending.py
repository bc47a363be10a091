"""A session that cannot begin ends with one clear line."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes


def test_port_in_use_is_one_clear_line_and_exit_2(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_cli(project, "--port", str(port))

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Address already in use" in result.stderr
    assert str(port) in result.stderr


def test_privileged_port_is_one_clear_line_and_exit_2(project: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "run", "dev", "app:app", "--port", "80"],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Permission denied" in result.stderr


# Nobody may not read the interpreter of every machine; so it is loaded before it is nobody's.
AS_NOBODY = """
import os, sys
import difflib, encodings.idna, wiverno.cli.development, wiverno.cli.finding
import wiverno.dev.dev_server, wiverno.dev.supervisor
from wiverno.cli import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main()
"""


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_bad_port_is_a_clear_text_and_exit_2(project: Path, port: str) -> None:
    result = run_cli(project, "--port", port)

    assert result.returncode == 2
    assert port in result.stderr
    assert "Traceback" not in result.stderr


def run_cli(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wiverno", "run", "dev", "app:app", *options],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
