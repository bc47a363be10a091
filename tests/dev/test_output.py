"""What the application prints while it is imported: held until its build is judged, shown once."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, get, wait_until

pytestmark = pytest.mark.processes

PRINTS = """\
import sys
print("out {version}")
print("err {version}", file=sys.stderr)
"""
GOOD = PRINTS + VERSIONED_APP
SLOW = (
    PRINTS
    + """\
import pathlib, threading
pathlib.Path("../began {version}").touch()
threading.Event().wait(0.3)
"""
    + VERSIONED_APP
)
# What the pages of failures are about.
FAILS = PRINTS + "raise ValueError('no')\n"
PANEL = "Wiverno Development Server"


def printed(session: DevSession, version: int) -> list[int]:
    """How often each stream showed the prints of this version."""
    lines = session.output.splitlines()
    return [lines.count(f"out {version}"), lines.count(f"err {version}")]


def wait_until_printed(session: DevSession, text: str, within_s: float = 8.0) -> None:
    wait_until(lambda: text in session.output, f"{text!r} in the output", within_s)


def positions(text: str, *parts: str) -> list[int]:
    return [text.index(part) for part in parts]


@pytest.mark.both_strategies
def test_prints_of_an_import_stand_before_the_panel_and_those_of_requests(project: Path) -> None:
    (project / "app.py").write_text(
        "print('at import')\n"
        "def app(environ, start_response):\n"
        "    print('at request')\n"
        "    start_response('200 OK', [])\n"
        "    return [b'']\n"
    )
    with DevSession(project) as session:
        session.get()
        session.get()
        session.stop()
        output = session.output

    found = positions(output, "at import", PANEL, "at request")
    assert found == sorted(found)
    assert (output.count("at import"), output.count("at request")) == (1, 2)


@pytest.mark.both_strategies
@pytest.mark.parametrize("debounce", ["0.02", "5"], ids=["discarded", "changed"])
def test_prints_of_builds_that_saves_replaced_are_not_shown(project: Path, debounce: str) -> None:
    """A short debounce kills the candidate; a long one finds at its end that it is stale."""
    (project / "app.py").write_text(GOOD.format(version=0))
    with (
        DevSession(project, "app:app", "--debounce", debounce) as session,
        ThreadPoolExecutor(1) as pool,
    ):
        session.wait_until_serving()
        for last in (3, 6, 9):
            session.save("app.py", SLOW.format(version=last - 2))
            answer = pool.submit(session.get)
            for version in (last - 1, last):
                began = project.parent / f"began {version - 1}"
                wait_until(began.exists, "the import")
                session.save("app.py", SLOW.format(version=version))
            assert answer.result().body == f"{last:06d}"
        session.stop()

        shown = {version: printed(session, version) for version in range(10)}
    assert shown == {version: [1, 1] if version % 3 == 0 else [0, 0] for version in range(10)}


def test_prints_of_a_failing_import_stand_before_its_error(project: Path) -> None:
    (project / "app.py").write_text(FAILS.format(version=1))
    with DevSession(project) as session:
        assert session.get().status == 500
        session.save("app.py", FAILS.format(version=2))
        assert session.get().status == 500
        session.stop()

        found = positions(session.output, "out 1\nerr 1\n", "ERROR: ValueError", "out 2\nerr 2\n")
        # The one before the page, and its second try once the older process was gone.
        shown = [printed(session, version) for version in (1, 2)]
    assert found == sorted(found)
    assert shown == [[1, 1], [1, 1]]


def test_tries_behind_a_page_that_fail_alike_show_nothing_again(project: Path) -> None:
    (project / "app.py").write_text(FAILS.format(version=1))
    with DevSession(project) as session:
        deadline = time.monotonic() + 15
        while session.count("build_started") < 3:
            assert time.monotonic() < deadline
            assert session.get().status == 500
            threading.Event().wait(0.2)
        session.save("app.py", GOOD.format(version=2))
        session.get()
        session.stop()

        assert [printed(session, version) for version in (1, 2)] == [[1, 1], [1, 1]]


def test_prints_of_an_import_that_ends_the_process_are_shown(project: Path) -> None:
    (project / "app.py").write_text(PRINTS.format(version=1) + "import os\nos._exit(3)\n")
    with DevSession(project) as session:
        session.get()
        session.stop()

        found = positions(session.output, "out 1\nerr 1\n", "ERROR: ")
        assert found == sorted(found)
        assert printed(session, 1) == [1, 1]


def test_prints_of_atexit_handlers_of_a_failed_import_are_shown(project: Path) -> None:
    source = "import atexit\natexit.register(print, 'at exit')\n" + FAILS.format(version=1)
    (project / "app.py").write_text(source)
    with DevSession(project) as session:
        assert session.get().status == 500
        session.wait_for("exited", process="worker")
        session.stop()

        assert session.output.splitlines().count("at exit") == 1


def test_prints_of_an_import_that_hangs_are_shown_while_it_does(project: Path) -> None:
    (project / "app.py").write_text(
        PRINTS.format(version=1) + "import threading\nthreading.Event().wait(60)\n"
    )
    with DevSession(project) as session:
        # Long before there is a page, and nothing more is printed.
        wait_until_printed(session, "out 1\nerr 1\n")
        assert session.count("page") == 0
        page = get(session.port, timeout_s=15.0)
        session.save("app.py", GOOD.format(version=2))
        session.get()
        session.stop()

        assert page.status == 503
        assert [printed(session, version) for version in (1, 2)] == [[1, 1], [1, 1]]


def test_prints_of_a_long_import_are_shown_as_they_come(project: Path) -> None:
    (project / "app.py").write_text(
        "import threading\n"
        "for number in range(30):\n"
        "    print('step', number)\n"
        "    threading.Event().wait(0.12)\n" + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        wait_until_printed(session, "step 18")
        assert session.count("built") == 0
        session.wait_until_serving()
        session.stop()
        output = session.output

    assert re.findall(r"step (\d+)", output) == [str(number) for number in range(30)]
    assert output.index("step 29") < output.index(PANEL)


@pytest.mark.both_strategies
@pytest.mark.parametrize("pause_s", [0.1, 2.1], ids=["held", "shown as it came"])
def test_prints_before_a_snapshot_are_shown_by_each_build_that_resumes_it(
    project: Path, pause_s: float, strategy: str
) -> None:
    """As a cold start would show them: again, once, and in their order."""
    (project / "model.py").write_text(
        "import sys, threading\n"
        "print('loading')\n"
        f"threading.Event().wait({pause_s})\n"
        "print('loaded', file=sys.stderr)\n"
        "threading.Event().wait(0.05)\n"
        "print('unfinished', end=' ')\n"
    )
    app = "import model\nprint('line')\n" + VERSIONED_APP
    (project / "app.py").write_text(app.format(version=1))
    with DevSession(project) as session:
        for version in (1, 2, 3):
            session.save("app.py", app.format(version=version))
            assert session.get().body == f"{version:06d}"
            served = session.wait_until_serving(version)
            assert version == 1 or (served["level"] == "snapshot") == (strategy == "fork")
        session.stop()
        shown = re.findall(r"loading|loaded|unfinished line", session.output)

    assert shown == ["loading", "loaded", "unfinished line"] * 3


def test_thread_that_prints_through_go_loses_and_doubles_nothing(project: Path) -> None:
    chatter = (
        "import itertools, sys, threading\n"
        "def chatter():\n"
        "    for number in itertools.count():\n"
        "        stream = sys.stderr if number % 2 else sys.stdout\n"
        # One write: `print` makes several, and the access line may come between them.
        "        stream.write(f'line {version}: {{number}}\\n')\n"
        "        threading.Event().wait(0.0005)\n"
        "threading.Thread(target=chatter, daemon=True).start()\n" + VERSIONED_APP
    )
    versions = range(1, 6)
    (project / "app.py").write_text(chatter.format(version=1))
    with DevSession(project) as session:
        for version in versions:
            session.save("app.py", chatter.format(version=version))
            session.get()
            wait_until_printed(session, f"line {version}: 100\n")
        session.stop()
        output = session.output

    for version in versions:
        numbers = re.findall(rf"^line {version}: (\d+)$", output, re.M)
        assert len(numbers) > 100
        assert numbers == [str(number) for number in range(len(numbers))]


def test_loggers_configured_at_import_work_after_go(project: Path) -> None:
    (project / "app.py").write_text(
        "import logging\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "logging.info('at import')\n"
        "def app(environ, start_response):\n"
        "    logging.info('at request')\n"
        "    start_response('200 OK', [])\n"
        "    return [b'']\n"
    )
    with DevSession(project) as session:
        session.get()
        session.stop()

        found = positions(session.output, "INFO:root:at import", PANEL, "INFO:root:at request")
        assert found == sorted(found)


STREAMS = {
    "buffer": "sys.stdout.buffer.write(b'hello\\n')\nsys.stdout.buffer.flush()\n",
    "detached": "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), line_buffering=True)\n"
    "print('hello')\n",
    "reconfigured": "sys.stdout.reconfigure(encoding='utf-16-le')\n"
    "sys.stdout.reconfigure(encoding='utf-8')\nprint('hello')\n",
    "replaced": "sys.stdout = os.fdopen(os.dup(1), 'w', buffering=1)\nprint('hello')\n",
    "unfinished": "print('hel', end='')\nprint('lo')\n",
    "large": "print('x' * 3_000_000)\nprint('hello')\n",
    "forked": "os.waitpid(pid, 0) if (pid := os.fork()) else os._exit(0)\nprint('hello')\n",
    "forked with unfinished": "print('hello', end='')\n"
    "if not (pid := os.fork()):\n    sys.stdout.flush()\n    os._exit(0)\n"
    "os.waitpid(pid, 0)\nprint()\n",
    "printed by a fork": "if not (pid := os.fork()):\n    print('hello')\n    os._exit(0)\n"
    "os.waitpid(pid, 0)\n",
    "multiprocessing": "import multiprocessing\n"
    "child = multiprocessing.get_context('fork').Process(target=print, args=['hello'])\n"
    "child.start()\nchild.join()\n",
    "unbuffered descriptor": "os.write(1, b'hello\\n')\n",
}


@pytest.mark.parametrize("way", STREAMS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_in_other_ways_than_print_is_shown_once(
    project: Path, way: str, unbuffered: str
) -> None:
    if way == "buffer" and unbuffered:
        pytest.skip("then the buffer is the file itself")
    (project / "app.py").write_text(
        "import io, os, sys\n"
        "print('first')\n" + STREAMS[way] + "print('last')\n"
        "def app(environ, start_response):\n"
        "    print('at request')\n"
        "    start_response('200 OK', [])\n"
        "    return [b'ok']\n"
    )
    environment = {"PYTHONUNBUFFERED": unbuffered}
    with DevSession(project, environment=environment) as session:
        assert session.get().body == "ok"
        session.stop()

        lines = session.output.splitlines()
    assert [lines.count(line) for line in ("first", "hello", "last", "at request")] == [1, 1, 1, 1]


def test_process_forked_at_import_prints_when_its_worker_serves(project: Path) -> None:
    (project / "app.py").write_text(
        "import os, threading\n"
        "print('first')\n"
        "if not os.fork():\n"
        "    while not os.path.exists('../serves'):\n"
        "        threading.Event().wait(0.01)\n"
        "    print('of the fork')\n"
        "    os._exit(0)\n" + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        session.get()
        (project.parent / "serves").touch()
        wait_until_printed(session, "of the fork\n")
        session.stop()

        assert session.output.count("first\n") == 1


def test_descriptor_led_elsewhere_at_import_takes_the_prints_there(project: Path) -> None:
    (project / "app.py").write_text(
        "import os\n"
        "print('before')\n"
        "log = os.open('../log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
        "os.dup2(log, 1)\n"
        "print('behind')\n" + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        session.get()
        session.stop()

        assert "before" in session.output
        assert "behind" not in session.output
    assert (project.parent / "log").read_text().startswith("behind\n")


@pytest.mark.parametrize("closed", ["sys.stdout.close()", "sys.stderr.close()", "del sys.stdout"])
def test_streams_closed_at_import_do_not_keep_it_from_serving(project: Path, closed: str) -> None:
    (project / "app.py").write_text(f"import sys\n{closed}\n" + VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        assert session.get().body == "000001"


def test_descriptors_closed_at_import_do_not_keep_prints_from_being_shown(project: Path) -> None:
    (project / "app.py").write_text(
        "import os\n"
        "print('before')\n"
        "for name in os.listdir('/proc/self/fd'):\n"
        "    path = f'/proc/self/fd/{name}'\n"
        "    if os.path.exists(path) and 'wiverno-output' in os.readlink(path):\n"
        "        os.close(int(name))\n"
        "other = open('../other', 'w')\n"
        "print('behind')\n" + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        assert session.get().body == "000001"
        session.stop()

        lines = session.output.splitlines()
    assert (lines.count("before"), lines.count("behind")) == (1, 1)
    assert (project.parent / "other").read_bytes() == b""


def test_stderr_that_leads_elsewhere_gets_its_prints(project: Path) -> None:
    (project / "app.py").write_text(GOOD.format(version=1))
    errors = project.parent / "errors"
    redirected = 'exec "$0" -m wiverno run dev app:app --port 0 2>"$1"'
    command = ["sh", "-c", redirected, sys.executable, str(errors)]
    with DevSession(project, command=command) as session:
        session.get()
        session.stop()

        assert "out 1\n" in session.output
        assert "err 1" not in session.output
    assert errors.read_text() == "err 1\n"


def test_streams_that_are_closed_stay_so(project: Path) -> None:
    (project / "app.py").write_text(
        "import sys\n"
        "NONE = sys.stdout is None\n"
        "print('out')\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [str(NONE).encode()]\n"
    )
    redirected = 'exec "$0" -m wiverno run dev app:app --port 0 >&- <"$1"'
    command = ["sh", "-c", redirected, sys.executable, "/dev/null"]
    with DevSession(project, command=command) as session:
        assert session.get().body in ("True", "False")


# At a terminal.


class AtTerminal:
    """A session whose standard streams are a pseudo-terminal, its foreground group."""

    def __init__(self, project: Path, environment: Mapping[str, str]) -> None:
        self._controller, terminal = pty.openpty()
        self.seen = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wiverno", "run", "dev", "app:app", "--port", "0"],
            cwd=project,
            env={**os.environ, "NO_COLOR": "1", "TERM": "dumb", **environment},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)

    def read_until(self, text: str, within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        os.set_blocking(self._controller, False)
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            with contextlib.suppress(BlockingIOError):
                self.seen += os.read(self._controller, 65536).decode().replace("\r\n", "\n")
                continue
            threading.Event().wait(0.01)

    def type(self, text: str) -> None:
        os.write(self._controller, text.encode())

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait(10)
            os.close(self._controller)


@contextlib.contextmanager
def at_terminal(project: Path, source: str, **environment: str) -> Iterator[AtTerminal]:
    (project / "app.py").write_text(source + VERSIONED_APP.format(version=1))
    session = AtTerminal(project, environment)
    try:
        yield session
    finally:
        session.end()


def test_streams_at_import_are_those_of_a_cold_start(project: Path) -> None:
    source = (
        "import os, sys\n"
        "for stream in (sys.stdout, sys.stderr):\n"
        "    print(stream.isatty(), os.isatty(stream.fileno()), stream.name, stream.mode,\n"
        "          stream.encoding, stream.errors, stream.line_buffering, stream.buffer.mode)\n"
    )
    with at_terminal(project, source, PYTHONIOENCODING="latin-1:replace") as session:
        session.read_until(PANEL)

        assert re.findall(r"^(True .*)$", session.seen, re.M) == [
            "True True <stdout> w iso8859-1 replace True wb",
            "True True <stderr> w iso8859-1 backslashreplace True wb",
        ]


def test_question_at_import_is_seen_and_can_be_answered(project: Path) -> None:
    source = "print('first')\nname = input('Name? ')\nprint('Hello', name)\n"
    with at_terminal(project, source) as session:
        session.read_until("first\nName? ", within_s=1.9)
        session.type("Ann\n")
        session.read_until(PANEL)

        assert session.seen.count("first\n") == 1
        assert session.seen.count("Hello Ann\n") == 1


def test_debugger_at_import_is_seen_and_can_be_answered(project: Path) -> None:
    source = "answer = 6\nprint('first')\nbreakpoint()\nprint('answer', answer)\n"
    with at_terminal(project, source) as session:
        session.read_until("(Pdb) ")
        session.type("answer = 7\n")
        session.read_until("(Pdb) answer = 7\n(Pdb) ")
        session.type("c\n")
        session.read_until(PANEL)

        assert session.seen.count("first\n") == 1
        assert session.seen.count("answer 7\n") == 1


def test_password_asked_at_import_is_asked_behind_what_was_printed(project: Path) -> None:
    source = "import getpass\nprint('first')\ngetpass.getpass('Password? ')\n"
    with at_terminal(project, source) as session:
        session.read_until("Password? ", within_s=1.9)
        assert session.seen.index("first\n") < session.seen.index("Password? ")
        session.type("secret\n")
        session.read_until(PANEL)
