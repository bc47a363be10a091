"""Promise 6: after Ctrl+C or SIGTERM nothing is left, within two seconds."""

import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, processes_of_session, wait_until

pytestmark = pytest.mark.processes

WITHIN_S = 2.0

# Beside the project: a file in it would be a change.
BEGAN = "import pathlib\npathlib.Path('../began').touch()\n"
SLOW_IMPORT = BEGAN + "import threading\nthreading.Event().wait(30)\n"
SPINNING_IMPORT = BEGAN + "while True:\n    pass\n"
SLOW_REQUEST = """\
import threading

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("began", flush=True)
        threading.Event().wait(5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""


def during_the_import(session: DevSession) -> None:
    """The import itself runs, not only its interpreter."""
    wait_until((session.project.parent / "began").exists, "the import did not begin")


def idle(session: DevSession) -> None:
    session.wait_until_serving()


def with_a_page_up(session: DevSession) -> None:
    session.wait_for("page")
    assert session.get().status == 500


def with_a_slow_request_in_flight(session: DevSession) -> None:
    session.wait_until_serving()
    ask_in_background(session)


def ask_in_background(session: DevSession) -> None:
    def ask() -> None:
        with socket.create_connection(("127.0.0.1", session.port), timeout=10) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(100)

    threading.Thread(target=lambda: ignoring_connection_errors(ask), daemon=True).start()
    wait_until(lambda: "began" in session.output, "the slow request did not begin")


def ignoring_connection_errors(function: Callable[[], object]) -> None:
    """The request is cut on purpose; how its client sees it is not what is tested."""
    try:
        function()
    except OSError:
        return


SITUATIONS: dict[str, tuple[str, Callable[[DevSession], None]]] = {
    "first import": (SLOW_IMPORT, during_the_import),
    "spinning import": (SPINNING_IMPORT, during_the_import),
    "idle": (VERSIONED_APP.format(version=1), idle),
    "page": ("1 / 0\n", with_a_page_up),
    "request": (SLOW_REQUEST, with_a_slow_request_in_flight),
}


@pytest.mark.parametrize("way", ["Ctrl+C", "SIGTERM"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_end_leaves_no_process_and_frees_the_port(project: Path, situation: str, way: str) -> None:
    source, reach = SITUATIONS[situation]
    (project / "app.py").write_text(source)
    with DevSession(project) as session:
        reach(session)
        port = session.port
        asked_at = time.monotonic()
        if way == "Ctrl+C":
            # The terminal sends it to the whole foreground group.
            os.killpg(session.process.pid, signal.SIGINT)
        else:
            session.process.send_signal(signal.SIGTERM)
        exit_code = session.process.wait(10)
        took_s = time.monotonic() - asked_at
        left = processes_of_session(session.session_id)
        output = session.output

    assert left == []
    assert took_s < WITHIN_S
    assert exit_code == 0
    assert "KeyboardInterrupt" not in output
    assert "Traceback" not in output or situation == "page"
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_killed_supervisor_takes_everything_with_it(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        session.wait_until_serving()
        session.save("app.py", SPINNING_IMPORT)
        with ThreadPoolExecutor() as pool:
            pool.submit(ignoring_connection_errors, session.get)
            during_the_import(session)
            session.process.kill()
            session.process.wait(10)
        wait_until(
            lambda: not processes_of_session(session.session_id), "processes are left", WITHIN_S
        )


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
import encodings.idna, wiverno.cli.development, wiverno.dev.dev_server, wiverno.dev.supervisor
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


def test_terminal_is_left_as_it_was(project: Path) -> None:
    """On a real terminal, ended with a typed Ctrl+C."""
    import termios

    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    controller, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    process = subprocess.Popen(
        [sys.executable, "-m", "wiverno", "run", "dev", "app:app", "--port", "0"],
        cwd=project,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    seen = b""
    while b"Ctrl+C" not in seen:
        seen += os.read(controller, 4096)
    os.write(controller, b"\x03")
    while b"Stopping" not in seen:
        seen += os.read(controller, 4096)

    assert process.wait(5) == 0
    assert termios.tcgetattr(terminal) == before
    for fd in (controller, terminal):
        os.close(fd)


def take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
