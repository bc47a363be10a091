"""Applications that fork, print, close, keep threads, rewrite themselves: nobody suffers."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.dev.harness import (
    VERSIONED_APP,
    DevSession,
    application_processes,
    processes_of_session,
    processes_with,
    wait_until,
)

pytestmark = pytest.mark.processes


ANSWER = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(answer(environ)).encode()]
"""

POOLS = {
    "ProcessPoolExecutor": """
from concurrent.futures import ProcessPoolExecutor
pool = ProcessPoolExecutor(2)
def answer(environ):
    return pool.submit(pow, 2, 3).result(5)
""",
    "ThreadPoolExecutor": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
def answer(environ):
    return pool.submit(pow, 2, 3).result(5)
""",
    "multiprocessing fork": """
import multiprocessing
def answer(environ):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(pow, (2, 3))
""",
    "multiprocessing spawn": """
import multiprocessing
def answer(environ):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(pow, (2, 3))
""",
}


@pytest.mark.parametrize("pool", POOLS)
def test_application_with_a_pool_restarts_and_ends_in_time(project: Path, pool: str) -> None:
    (project / "app.py").write_text(POOLS[pool] + ANSWER)
    with DevSession(project) as session:
        first = session.get().body
        session.save("app.py", POOLS[pool] + ANSWER.replace("str(", "str(1 + "))
        second = session.get().body
        session.wait_for("exited", process="worker", generation=1, within_s=5)
        asked_at = time.monotonic()
        session.stop()
        took_s = time.monotonic() - asked_at
        left = processes_of_session(session.session_id)

    assert (first, second) == ("8", "9")
    assert session.wait_for("exited", process="worker", generation=1)["status"] == 0
    assert took_s < 2.0
    assert left == []


@pytest.mark.parametrize("during", ["restart", "stop"])
def test_atexit_handlers_run(project: Path, during: str) -> None:
    (project / "app.py").write_text(
        "import atexit, pathlib\natexit.register(pathlib.Path('left').touch)\n"
        + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        session.get()
        if during == "restart":
            session.save("app.py", VERSIONED_APP.format(version=2))
            session.get()
            session.wait_for("exited", process="worker")
        else:
            session.stop()

        assert (project / "left").exists()


def test_atexit_handlers_run_when_a_request_was_cut(project: Path) -> None:
    (project / "app.py").write_text(
        "import atexit, pathlib, threading\n"
        "atexit.register(pathlib.Path('left').touch)\n"
        "def answer(environ):\n"
        "    pathlib.Path('began').touch()\n"
        "    threading.Event().wait(20)\n" + ANSWER
    )
    with DevSession(project) as session:
        with socket.create_connection(("127.0.0.1", session.port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until((project / "began").exists, "the request")
            session.stop()

        assert (project / "left").exists()


def test_child_forked_by_a_view_does_not_hold_the_connection(project: Path) -> None:
    (project / "app.py").write_text(
        "import multiprocessing, threading\n"
        "def answer(environ):\n"
        "    fork = multiprocessing.get_context('fork')\n"
        "    fork.Process(target=threading.Event().wait, args=(20,), daemon=True).start()\n"
        "    return 'started'\n" + ANSWER
    )
    with (
        DevSession(project) as session,
        socket.create_connection(("127.0.0.1", session.port), timeout=5) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert client.makefile("rb").read().endswith(b"started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_to_the_whole_group_lets_requests_finish(
    project: Path, number: signal.Signals
) -> None:
    """As systemd, process managers and closed terminals send it."""
    os.mkfifo(project / "gate")
    (project / "app.py").write_text(
        "def answer(environ):\n    with open('gate') as gate:\n        return gate.read()\n"
        + ANSWER
    )
    with DevSession(project) as session:
        with socket.create_connection(("127.0.0.1", session.port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            with (project / "gate").open("w") as gate:
                os.killpg(session.process.pid, number)
                session.wait_for("stopping")
                gate.write("finished")
            answer = client.makefile("rb").read()
        exit_code = session.process.wait(5)

    assert answer.endswith(b"finished")
    assert exit_code == 0


@pytest.mark.parametrize(
    "line", ["sys.stdout.close()", "sys.stdout = None", "sys.__stdout__.close()"]
)
def test_application_that_closes_its_output_is_served(project: Path, line: str) -> None:
    (project / "app.py").write_text(f"import sys\n{line}\n" + VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        assert session.get().body == "000001"


@pytest.mark.parametrize("rest_s", [0.0, 0.5], ids=["at its end", "long before its end"])
def test_file_that_its_own_import_rewrites_gives_a_503_that_names_it(
    project: Path, rest_s: float
) -> None:
    """Each build is stale: at its end, or as soon as the burst of saves has settled."""
    (project / "app.py").write_text(
        "import pathlib, threading, time\n"
        "import generated\n"
        "pathlib.Path('generated.py').write_text(f'STAMP = {time.time_ns()}')\n"
        f"threading.Event().wait({rest_s})\n" + VERSIONED_APP.format(version=1)
    )
    (project / "generated.py").write_text("STAMP = 0\n")
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_for("page", kind="FileKeepsChanging", within_s=20)
        page = session.get()
        session.save("app.py", VERSIONED_APP.format(version=2))
        healed = session.get()

    assert page.status == 503
    assert page.headers["Retry-After"] == "1"
    assert "generated.py" in page.body
    assert healed.body == "000002"


def test_page_of_a_file_that_kept_changing_heals_when_it_rests(project: Path) -> None:
    """The last of many saves is in the page, and nothing changes any more."""
    (project / "app.py").write_text(
        "import pathlib, time\n"
        "import generated\n"
        "if not pathlib.Path('rest').exists():\n"
        "    pathlib.Path('generated.py').write_text(f'STAMP = {time.time_ns()}')\n"
        + VERSIONED_APP.format(version=1)
    )
    (project / "generated.py").write_text("STAMP = 0\n")
    with DevSession(project) as session:
        session.wait_for("page", kind="FileKeepsChanging", within_s=20)
        (project / "rest").touch()

        wait_until(lambda: session.get().body == "000001", "the application", within_s=10)


def test_request_in_flight_is_finished_when_the_next_version_cannot_start_beside_it(
    project: Path,
) -> None:
    """The page is shown at once; when the old worker has gone the build is tried again."""
    source = (
        "import os\n"
        "def answer(environ):\n"
        "    if environ['PATH_INFO'] == '/slow':\n"
        "        open('began', 'w').close()\n"
        "        with open('gate') as gate:\n"
        "            return gate.read()\n"
        "    return {version}\n" + ANSWER + "\nwith open('held', 'x'): pass\n"
        "import atexit\n"
        "atexit.register(os.unlink, 'held')\n"
    )
    os.mkfifo(project / "gate")
    (project / "app.py").write_text(source.replace("{version}", "1"))
    with (
        DevSession(project) as session,
        socket.create_connection(("127.0.0.1", session.port), timeout=5) as client,
    ):
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wait_until((project / "began").exists, "the request")
        session.save("app.py", source.replace("{version}", "2"))
        page = session.get()
        with (project / "gate").open("w") as gate:
            gate.write("finished")
        answer = client.makefile("rb").read()
        session.wait_until_serving(2)
        healed = session.get()

    assert page.status == 500
    assert "FileExistsError" in page.body
    assert answer.endswith(b"finished")
    assert healed.body == "2"


def test_main_module_has_a_file_as_under_python_m(project: Path) -> None:
    (project / "app.py").write_text(
        "import sys\ndef answer(environ):\n    return sys.modules['__main__'].__file__\n" + ANSWER
    )
    with DevSession(project) as session:
        assert session.get().body.endswith("wiverno/__main__.py")


def test_interpreter_options_reach_the_application(project: Path) -> None:
    (project / "app.py").write_text(
        "import sys, warnings\n"
        "def answer(environ):\n"
        "    return sys._xoptions, sys.flags.int_max_str_digits, sys.warnoptions\n" + ANSWER
    )
    options = ("-X", "int_max_str_digits=0", "-X", "mine=1", "-W", "error::BytesWarning")
    command = [sys.executable, *options, *("-m", "wiverno", "run", "dev", "app:app", "-p", "0")]
    with DevSession(project, command=command) as session:
        answer = session.get().body

    expected = {"int_max_str_digits": "0", "mine": "1"}
    assert answer == str((expected, 0, ["error::BytesWarning"]))


def test_pages_process_that_dies_is_replaced_and_shows_the_page_again(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with DevSession(project) as session:
        before = session.get()
        (pages,) = processes_with(f"WIVERNO_SESSION={session.session_id}.pages.")
        os.kill(pages, signal.SIGKILL)
        session.wait_for("exited", process="pages")
        after = session.get()

    assert (before.status, after.status) == (500, 500)
    assert "ZeroDivisionError" in after.body


def test_more_connections_than_descriptors_allow_are_kept(project: Path) -> None:
    """A soft limit of 64 descriptors, fifty idle clients, a save."""
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    command = [
        *("sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh"),
        *(sys.executable, "-m", "wiverno", "run", "dev", "app:app", "--port", "0"),
    ]
    with DevSession(project, command=command) as session:
        session.wait_until_serving()
        clients = [
            socket.create_connection(("127.0.0.1", session.port), timeout=5) for _ in range(40)
        ]
        session.save("app.py", VERSIONED_APP.format(version=2))
        answers = []
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers.append(client.makefile("rb").read()[-6:])
            client.close()

    assert answers == [b"000002"] * 40


DAEMON = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "60"])
    os._exit(0)
os.wait()
"""


def test_processes_that_a_worker_left_are_ended_with_it(project: Path) -> None:
    """A daemon that the application starts at each import would be one more at each restart."""
    source = DAEMON + VERSIONED_APP
    (project / "app.py").write_text(source.format(version=1))
    with DevSession(project) as session:
        session.get()
        session.save("app.py", source.format(version=2))
        assert session.get().body == "000002"
        session.wait_for("exited", process="worker", generation=1)
        # The worker, and the daemon of the second generation.
        wait_until(
            lambda: len(application_processes(session.session_id)) == 2, "the first daemon's end"
        )
        session.stop()
        left = processes_of_session(session.session_id)

    assert left == []


def test_children_of_the_supervisor_program_itself_are_left_alone(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    (project / "dev.py").write_text(
        "import subprocess, sys\n"
        "from wiverno.dev.dev_server import DevServer\n"
        "mine = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "DevServer.serve('app', port=0)\n"
        "assert mine.poll() is None\n"
        "mine.communicate(b'go on')\n"
        "assert mine.returncode == 0\n"
    )
    with DevSession(project, command=[sys.executable, "dev.py"]) as session:
        session.get()

        assert session.stop() == 0
