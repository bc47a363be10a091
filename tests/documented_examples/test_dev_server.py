"""Every example of the DevServer reference, run as it stands."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO, RunningProgram, free_port
from tests.documented_examples.example_sources import (
    python_example,
    read_example,
    shell_example,
)
from tests.documented_examples.projects import (
    IMPORT_DEV_SERVER,
    write_module,
    write_project,
)

pytestmark = pytest.mark.processes


@dataclass(frozen=True, slots=True)
class Constructing:
    """An example that only makes a server; `after` looks at what it made."""

    name: str
    output: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """An example that serves, and what each of its calls in turn answers."""

    name: str
    answers: tuple[str, ...]
    before: str = ""


CONSTRUCTING = [
    Constructing(
        "dev_server/constructor.py",
        after="print(server.app_module, server.app_name, server.host, server.port)",
        output="myapp app localhost 8000",
    ),
    Constructing("dev_server/attribute_app_module.py", "myapp.main", IMPORT_DEV_SERVER),
    Constructing("dev_server/attribute_app_name.py", "application", IMPORT_DEV_SERVER),
    Constructing("dev_server/attribute_host.py", "0.0.0.0", IMPORT_DEV_SERVER),
    Constructing("dev_server/attribute_port.py", "8080", IMPORT_DEV_SERVER),
    Constructing(
        "dev_server/attribute_watch_dirs.py", "['./myapp', './shared']", IMPORT_DEV_SERVER
    ),
    Constructing(
        "dev_server/attribute_ignore_patterns.py",
        "['__pycache__', '*.pyc', '.venv']",
        IMPORT_DEV_SERVER,
    ),
    Constructing("dev_server/attribute_debounce_seconds.py", "2.0", IMPORT_DEV_SERVER),
    Constructing(
        "dev_server/advanced_configuration.py",
        after="print(len(server.watch_dirs), len(server.ignore_patterns), server.debounce_seconds)",
        output="3 7 1.5",
    ),
    Constructing(
        "dev_server/hot_reload_not_working.py", "Watching: ['./myapp']", IMPORT_DEV_SERVER
    ),
    # stop() before start(): harmless, and that start() returns at once.
    Constructing(
        "dev_server/stop.py", "ended", IMPORT_DEV_SERVER, after="server.start()\nprint('ended')"
    ),
]

SERVING = [
    Serving("dev_server/serve.py", ("run", "myapp")),
    Serving("dev_server/quick_start.py", ("run",)),
    Serving("dev_server/custom_configuration.py", ("myproject.api",), IMPORT_DEV_SERVER),
    Serving("dev_server/project_structure.py", ("myapp.main",)),
    Serving("dev_server/development_only.py", ("run", "run")),
    Serving("dev_server/ignore_patterns.py", ("myapp",), IMPORT_DEV_SERVER),
    Serving("dev_server/separate_scripts_dev.py", ("myapp",)),
    Serving("dev_server/separate_scripts_run.py", ("myapp",)),
    Serving("dev_server/debounce_time.py", ("run", "run", "run"), IMPORT_DEV_SERVER),
    Serving("dev_server/too_many_restarts.py", ("run",), IMPORT_DEV_SERVER),
    Serving("dev_server/port_in_use.py", ("run",), IMPORT_DEV_SERVER),
]

TESTED = {
    *(example.name for example in CONSTRUCTING),
    *(example.name for example in SERVING),
    "dev_server/project_structure.sh",
    "dev_server/hot_reload_in_action.txt",
    "dev_server/command_line.sh",
    "dev_server/import_errors.py",
    "dev_server/port_in_use.sh",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


def _start(folder: Path, name: str, before: str = "") -> tuple[RunningProgram, list[int]]:
    source, ports = python_example(name, free_port)
    (folder / "dev.py").write_text(before + source, encoding="utf-8")
    return RunningProgram([sys.executable, "dev.py"], folder), ports


@pytest.mark.parametrize("example", CONSTRUCTING, ids=lambda example: example.name)
def test_constructing_example_when_run_prints_what_is_documented(
    project: Path, example: Constructing
) -> None:
    source = read_example(example.name)
    (project / "dev.py").write_text(f"{example.before}{source}\n{example.after}\n", "utf-8")
    documented = re.findall(r"# Output: (.*)", source)

    with RunningProgram([sys.executable, "dev.py"], project) as program:
        assert program.wait() == 0
        assert program.output.strip() == example.output
        assert documented in ([], [example.output])


@pytest.mark.parametrize("example", SERVING, ids=lambda example: example.name)
def test_serving_example_when_run_answers_and_ends_by_signal(
    project: Path, example: Serving
) -> None:
    program, ports = _start(project, example.name, example.before)

    with program:
        for port, module in zip(ports, example.answers, strict=True):
            assert program.get(port) == (200, f"Hello from {module}")
            # Each call ends by its own Ctrl+C, and the script goes on with the next.
            program.process.send_signal(signal.SIGINT)
        assert program.wait() == 0


def test_quick_start_when_terminated_ends_with_0_too(project: Path) -> None:
    program, [port] = _start(project, "dev_server/quick_start.py")

    with program:
        program.get(port)
        assert program.end(signal.SIGTERM) == 0


def test_project_structure_command_when_run_starts_its_script(project: Path) -> None:
    source, [port] = python_example("dev_server/project_structure.py", free_port)
    (project / "dev.py").write_text(source, encoding="utf-8")
    [(words, _)] = shell_example("dev_server/project_structure.sh", free_port)
    assert words[:3] == ["uv", "run", "python"]

    # `uv run python` is this environment's Python.
    with RunningProgram([sys.executable, *words[3:]], project) as program:
        assert program.get(port) == (200, "Hello from myapp.main")
        assert program.end() == 0


@pytest.mark.parametrize(("row", "module"), [(0, "run"), (1, "run"), (2, "myapp")])
def test_command_line_example_when_run_answers(project: Path, row: int, module: str) -> None:
    words, port = shell_example("dev_server/command_line.sh", free_port)[row]

    with RunningProgram(words, project) as program:
        assert program.get(port) == (200, f"Hello from {module}")
        assert program.end() == 0


def test_hot_reload_when_a_file_is_saved_shows_the_documented_lines(project: Path) -> None:
    port = free_port()
    routes = project / "myapp" / "routes.py"
    command = [*WIVERNO, "run", "dev", "--app-module", "myapp.main", "--port", str(port)]

    with RunningProgram(command, project) as program:
        assert program.get(port) == (200, "Hello from myapp.main")
        program.wait_for_output("Restart: #1")
        routes.write_text(routes.read_text().replace("Hello", "Goodbye"))
        assert program.get(port) == (200, "Goodbye from myapp.main")
        documented = read_example("dev_server/hot_reload_in_action.txt")
        expected = documented.replace("/path/to/myapp/routes.py", str(routes)).replace(
            "localhost:8000 ", f"localhost:{port}".ljust(len("localhost:8000 "))
        )
        program.wait_for_output(expected)
        assert program.end() == 0


def test_import_errors_when_the_module_is_wrong_says_which_is_right(tmp_path: Path) -> None:
    write_module(tmp_path, "myapp/main.py", "myapp.main")
    (tmp_path / "myapp" / "__init__.py").touch()
    program, [wrong, right] = _start(
        tmp_path, "dev_server/import_errors.py", before=IMPORT_DEV_SERVER
    )

    with program:
        status, page = program.get(wrong)
        assert status == 500
        assert "has no attribute" in page
        assert "myapp.main:app" in page
        program.process.send_signal(signal.SIGINT)

        assert program.get(right) == (200, "Hello from myapp.main")
        assert program.end() == 0


def test_import_errors_when_there_is_no_such_module_says_so_and_heals(tmp_path: Path) -> None:
    program, [port] = _start(tmp_path, "dev_server/separate_scripts_dev.py")

    with program:
        status, page = program.get(port)
        assert status == 500
        assert "No module named" in page
        assert "myapp" in page

        write_module(tmp_path, "myapp.py", "myapp")

        assert program.get(port) == (200, "Hello from myapp")
        assert program.end() == 0


def test_port_in_use_when_the_port_is_taken_is_the_documented_error(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        source = f"{IMPORT_DEV_SERVER}DevServer.serve(port={taken.getsockname()[1]})\n"
        (project / "dev.py").write_text(source)
        with RunningProgram([sys.executable, "dev.py"], project) as program:
            assert program.wait() == 1
            assert re.search(r"OSError: .*Address already in use", program.output)


@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_port_in_use_commands_when_run_find_the_process_and_free_the_port(
    project: Path, mode: str
) -> None:
    port = free_port()
    find, kill = shell_example(f"{mode.replace('prod', 'run')}_server/port_in_use.sh", lambda: port)
    assert (find[0][0], kill[0]) == ("lsof", ["kill", "-9", "<PID>"])

    with RunningProgram([*WIVERNO, "run", mode, "--port", str(port)], project) as program:
        program.get(port)
        pid = str(program.process.pid)
        if shutil.which("lsof"):
            found = subprocess.run(find[0], capture_output=True, text=True, timeout=30)
            assert pid in found.stdout.split()

        subprocess.run([*kill[0][:-1], pid], check=True, timeout=30)

        assert program.wait() == -signal.SIGKILL
        program.wait_for(lambda: _refuses(port), f"nobody on port {port}")


def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
