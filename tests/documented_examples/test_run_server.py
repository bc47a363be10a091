"""Every example of the RunServer reference, run as it stands."""

import os
import re
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.application.running_program import RunningProgram, free_port
from tests.documented_examples.example_sources import (
    python_example,
    read_example,
    shell_example,
)
from tests.documented_examples.projects import DEFINE_APP, IMPORT_RUN_SERVER, write_project

pytestmark = pytest.mark.processes


@dataclass(frozen=True, slots=True)
class Constructing:
    """An example that only makes servers; `after` looks at the last one."""

    name: str
    output: str
    before: str = IMPORT_RUN_SERVER + DEFINE_APP
    after: str = "print(server.host, server.port, server.request_queue_size)"


@dataclass(frozen=True, slots=True)
class Serving:
    """An example that serves, and what it answers."""

    name: str
    answer: tuple[int, str] = (200, "Hello from the script")
    before: str = ""


CONSTRUCTING = [
    Constructing(
        "run_server/constructor.py",
        "localhost 8000 10 True",
        before="",
        after="print(server.host, server.port, server.request_queue_size,"
        " server.application is app)",
    ),
    Constructing("run_server/port_in_use.py", "localhost 8001 5"),
    Constructing("run_server/permission_denied.py", "localhost 8000 5"),
    Constructing("run_server/not_accessible.py", "0.0.0.0 8000 5"),
]

SERVING = [
    Serving("run_server/start.py", before=IMPORT_RUN_SERVER + DEFINE_APP),
    Serving("run_server/basic_usage.py", (200, "<html><body>Hello!</body></html>")),
    Serving("run_server/custom_host_and_port.py", before=DEFINE_APP),
    Serving("run_server/production_setup.py", (200, "Home")),
    Serving("run_server/error_handling.py", before=DEFINE_APP),
    Serving("run_server/light_traffic.py", before=IMPORT_RUN_SERVER + DEFINE_APP),
]

TESTED = {
    *(example.name for example in CONSTRUCTING),
    *(example.name for example in SERVING),
    "run_server/programmatic_stop.py",
    "run_server/command_line.sh",
    "run_server/waitress.py",
    "run_server/port_in_use.sh",  # With its twin, in test_dev_server.
}

_PRIVILEGED_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def _start(
    folder: Path, name: str, before: str = "", *, prefix: tuple[str, ...] = ()
) -> tuple[RunningProgram, int]:
    source, [port] = python_example(name, free_port)
    (folder / "server.py").write_text(before + source, encoding="utf-8")
    return RunningProgram([*prefix, sys.executable, "server.py"], folder), port


@pytest.mark.parametrize("example", CONSTRUCTING, ids=lambda example: example.name)
def test_constructing_example_when_run_makes_what_is_documented(
    tmp_path: Path, example: Constructing
) -> None:
    source = f"{example.before}{read_example(example.name)}\n{example.after}\n"
    (tmp_path / "server.py").write_text(source, encoding="utf-8")

    with RunningProgram([sys.executable, "server.py"], tmp_path) as program:
        assert program.wait() == 0
        assert program.output.strip() == example.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("example", SERVING, ids=lambda example: example.name)
def test_serving_example_when_run_answers_and_ends_by_signal(
    tmp_path: Path, example: Serving, number: signal.Signals
) -> None:
    program, port = _start(tmp_path, example.name, example.before)

    with program:
        assert program.get(port) == example.answer
        assert program.end(number) == 0
        assert "Traceback" not in program.output


def test_start_example_when_run_logs_the_documented_lines(tmp_path: Path) -> None:
    name = "run_server/start.py"
    documented = re.findall(r"# INFO: (.*)", read_example(name))
    program, port = _start(tmp_path, name, IMPORT_RUN_SERVER + DEFINE_APP)

    with program:
        program.get(port)
        assert program.end() == 0

        logged = re.findall(r"^INFO:wiverno\.core\.server:(.*)$", program.output, re.MULTILINE)
        assert len(documented) == 3
        assert logged[:3] == [line.replace(":8000", f":{port}") for line in documented]


def test_production_setup_when_run_answers_its_health_check(tmp_path: Path) -> None:
    program, port = _start(tmp_path, "run_server/production_setup.py")

    with program:
        assert program.get(port, "/api/health") == (200, '{"status": "ok"}')
        assert program.end() == 0


def test_production_setup_when_the_port_is_taken_logs_the_documented_line(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        source, _ = python_example("run_server/production_setup.py", lambda: port)
        (tmp_path / "server.py").write_text(source, encoding="utf-8")
        with RunningProgram([sys.executable, "server.py"], tmp_path) as program:
            assert program.wait() == 0

            assert "ERROR - Failed to start server: " in program.output
            assert "Address already in use" in program.output


def test_error_handling_when_the_port_is_taken_prints_the_documented_lines(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        source, _ = python_example("run_server/error_handling.py", lambda: port)
        (tmp_path / "server.py").write_text(DEFINE_APP + source, encoding="utf-8")
        with RunningProgram([sys.executable, "server.py"], tmp_path) as program:
            assert program.wait() == 0
            assert program.output.splitlines() == [
                "Error: Port 80 is already in use",
                "Kill the process or use a different port",
            ]


def test_error_handling_when_not_privileged_prints_the_documented_lines(tmp_path: Path) -> None:
    source = read_example("run_server/error_handling.py")  # With port 80 itself.
    (tmp_path / "server.py").write_text(DEFINE_APP + source, encoding="utf-8")

    command = [*_without_privilege(), sys.executable, "server.py"]
    with RunningProgram(command, tmp_path) as program:
        assert program.wait() == 0
        assert program.output.splitlines() == [
            "Error: Port 80 requires root privileges",
            "Try: sudo python run.py",
            "Or use port >= 1024",
        ]


def test_programmatic_stop_when_run_answers_until_its_wait_is_over(tmp_path: Path) -> None:
    program, port = _start(tmp_path, "run_server/programmatic_stop.py", DEFINE_APP)

    with program:
        assert program.get(port) == (200, "Hello from the script")
        program.close_stdin()
        assert program.wait() == 0
        assert "Traceback" not in program.output


@pytest.mark.parametrize("row", [0, 1], ids=["prod", "dev"])
def test_command_line_example_when_run_answers(tmp_path: Path, row: int) -> None:
    write_project(tmp_path)
    words, port = shell_example("run_server/command_line.sh", free_port)[row]

    with RunningProgram(words, tmp_path) as program:
        assert program.get(port) == (200, "Hello from run")
        assert program.end() == 0


def test_waitress_example_when_run_answers_with_our_application(tmp_path: Path) -> None:
    program, port = _start(tmp_path, "run_server/waitress.py")

    with program:
        status, page = program.get(port)
        assert status == 404  # "... define routes ..."
        assert "No route leads to /." in page
        assert program.end() == 0


def _without_privilege() -> list[str]:
    """What to put before a command so that port 80 is forbidden to it, whoever we are."""
    prefix: list[str] = []
    is_root = os.geteuid() == 0
    if int(_PRIVILEGED_PORTS.read_text()) <= 80:
        # Containers often open all ports to everybody; a network of its own does not.
        prefix += ["unshare", *([] if is_root else ["--map-root-user"]), "--net"]
    if is_root or prefix:
        # Not another user: that one may not read this environment.
        prefix += ["setpriv", "--bounding-set=-net_bind_service"]
    return prefix
