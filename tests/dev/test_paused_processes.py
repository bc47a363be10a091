"""Templates and snapshots under applications, and ends, that they must not hear of."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dev.harness import (
    DevSession,
    Event,
    application_processes,
    process_status,
    processes_with,
    wait_until,
)
from tests.dev.pty_session import PtySession

pytestmark = pytest.mark.processes

# Long enough for a snapshot behind the imports of the entry module.
SLOW_MS = 300
# As the settings have it.
FORK_PATIENCE_S = 2.0
SLOW = f"import threading\nthreading.Event().wait({SLOW_MS / 1000})\n"
ENTRY = """\
{first}
import slow

VERSION = {version}


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % VERSION]
"""


@contextmanager
def paused_session(project: Path, first: str = "") -> Iterator[tuple[DevSession, "Versions"]]:
    """A session whose entry module has a snapshot behind its imports, with `first` in it."""
    (project / "slow.py").write_text(SLOW)
    (project / "app.py").write_text(ENTRY.format(first=first, version=1))
    with DevSession(project) as session:
        assert session.get().body == "1"
        session.wait_for("snapshot_taken")
        yield session, Versions(session, first)


class Versions:
    def __init__(self, session: DevSession, first: str) -> None:
        self._session = session
        self._first = first
        self._version = 1

    def save_and_ask(self) -> Event:
        """The event of the worker that answered with the new version, as it has to."""
        self._version += 1
        self._session.save("app.py", ENTRY.format(first=self._first, version=self._version))
        assert self._session.get().body == str(self._version)
        return self._session.wait_for("serving", restart=self._version)


def marked(session: DevSession, mark: str) -> list[int]:
    return processes_with(f"WIVERNO_SESSION={session.session_id}.{mark}")


def kill_all(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    # Reaped by whoever their parent is by then.
    wait_until(lambda: not any(map(process_status, pids)), "a zombie is left")


def test_session_whose_snapshot_is_killed_serves_on_and_restarts(project: Path) -> None:
    with paused_session(project) as (session, versions):
        assert versions.save_and_ask()["level"] == "snapshot"
        kill_all(marked(session, "s"))
        assert session.get().body == "2"
        versions.save_and_ask()

        # Its parent is gone, so that the supervisor has to see how it ended.
        assert session.wait_for("exited", process="worker", generation=2)["status"] == 0


def test_session_whose_template_is_killed_restarts_from_its_snapshot(project: Path) -> None:
    with paused_session(project) as (session, versions):
        kill_all(marked(session, "template."))
        assert session.get().body == "1"
        # The snapshot is the supervisor's child by now, and was the first generation once.
        assert versions.save_and_ask()["level"] == "snapshot"
        session.wait_for("exited", process="worker", generation=1)

        assert versions.save_and_ask()["level"] == "snapshot"


def wait_for_spare(session: DevSession, number: int = 1) -> int:
    """Until the last of `number` processes waits for a build; its pid."""

    def find() -> int | None:
        started = [event for event in session.events if event["event"] == "spare_ready"]
        return started[number - 1]["pid"] if len(started) >= number else None

    return session.wait_until(find, f"{number} processes that wait")


def test_restart_goes_to_the_process_that_waits_for_it(project: Path) -> None:
    with paused_session(project) as (session, versions):
        versions.save_and_ask()
        # Behind it there is one that knows nothing of the pages, then one that does.
        session.wait_for("spare_ready", knows_pages=True)
        pid = wait_for_spare(session, session.count("spare_ready"))
        serving = versions.save_and_ask()

        assert serving["pid"] == pid
        assert session.wait_for("forked", generation=serving["generation"])["is_spare"]


def test_process_that_waits_and_is_killed_is_no_failure(project: Path) -> None:
    with paused_session(project) as (session, versions):
        kill_all([wait_for_spare(session)])
        versions.save_and_ask()

        assert session.count("page") == 0


def test_module_that_appears_while_a_process_waits_is_imported(project: Path) -> None:
    """By its mtime the folder is as it was when that process looked into it last."""
    with paused_session(project) as (session, _):
        wait_for_spare(session)
        status = project.stat()
        (project / "late.py").write_text("VERSION = 7\n")
        os.utime(project, ns=(status.st_atime_ns, status.st_mtime_ns))
        source = ENTRY.format(first="", version="late.VERSION")
        session.save("app.py", source.replace("VERSION =", "import late\n\nVERSION =", 1))

        assert session.get().body == "7"


def test_file_that_each_import_writes_is_written_at_each_restart(project: Path) -> None:
    stamps = []
    first = "import os, pathlib\npathlib.Path('stamp').write_text(str(os.getpid()))"
    (project / "slow.py").write_text(SLOW)
    (project / "app.py").write_text(ENTRY.format(first=first, version=1))
    with DevSession(project) as session:
        assert session.get().body == "1"
        versions = Versions(session, first)
        for _ in range(2):
            serving = versions.save_and_ask()
            stamps.append((project / "stamp").read_text() == str(serving["pid"]))

        assert "has written" in session.wait_for("snapshot_refused")["reason"]
        assert stamps == [True, True]


def test_snapshot_whose_executed_part_means_something_else_now_is_let_go(project: Path) -> None:
    """Its bytes are the same: an `else` has been added to a `try` that was executed."""
    executed = "import slow\ntry:\n    import json\nexcept ImportError:\n    json = None\n"
    (project / "slow.py").write_text(SLOW)
    source = ENTRY.replace("import slow\n", executed)
    (project / "app.py").write_text(source.format(first="", version=1))
    with DevSession(project) as session:
        assert session.get().body == "1"
        session.wait_for("snapshot_taken")
        levels = []
        for version in (2, 3):
            changed = source.replace(executed, f"{executed}else:\n    ADDED = True\n")
            session.save("app.py", changed.format(first="", version=version))
            assert session.get().body == str(version)
            levels.append(session.wait_until_serving(version)["level"])

        assert session.count("began_again") == 1
        assert levels[1] == "snapshot"


def test_broken_entry_module_leaves_its_snapshots(project: Path) -> None:
    with paused_session(project) as (session, versions):
        session.save("app.py", ENTRY.format(first="", version="("))
        assert session.get().status == 500

        assert versions.save_and_ask()["level"] == "snapshot"


def test_session_whose_paused_processes_are_all_killed_restarts(project: Path) -> None:
    with paused_session(project) as (session, versions):
        kill_all([*marked(session, "template."), *marked(session, "s")])

        versions.save_and_ask()
        versions.save_and_ask()


def test_template_that_is_killed_between_two_saves_costs_no_page(project: Path) -> None:
    (project / "app.py").write_text(ENTRY.format(first="", version=1).replace("import slow", ""))
    with DevSession(project) as session:
        session.wait_until_serving()
        template = marked(session, "template.")
        session.save("app.py", ENTRY.format(first="", version=2).replace("import slow", ""))
        # Maybe before the supervisor hears of it, maybe after it has asked for a fork.
        os.kill(template[0], signal.SIGKILL)

        assert session.get().body == "2"
        assert session.count("page") == 0


def test_template_that_cannot_fork_is_gone_without(project: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "def fork():\n"
        "    raise BlockingIOError(11, 'no more processes')\n"
        "if '.template.' in os.environ.get('WIVERNO_SESSION', ''):\n"
        "    os.fork = fork\n"
    )
    (project / "slow.py").write_text(SLOW)
    (project / "app.py").write_text(ENTRY.format(first="", version=1))
    search_path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    with DevSession(project, environment={"PYTHONPATH": search_path}) as session:
        assert session.get().body == "1"
        versions = Versions(session, "")
        assert versions.save_and_ask()["level"] == "interpreter"
        assert session.count("page") == 0


def test_question_at_import_is_not_taken_for_a_fork_that_hangs(project: Path) -> None:
    (project / "slow.py").write_text(SLOW)
    source = ENTRY.format(first="", version=1)
    (project / "app.py").write_text(source)
    with PtySession(project, environment={}) as session:
        assert session.get().body == "1"
        session.save("app.py", source.replace("VERSION = 1", "VERSION = int(input('Which? '))"))
        wait_until(lambda: "Which? " in session.output, "the question")
        # Longer than a fork may take that says nothing.
        threading.Event().wait(FORK_PATIENCE_S + 0.5)
        session.type(b"7\n")
        session.wait_until_serving(2)

        assert session.get().body == "7"
        assert session.count("began_again") == 0


# Each would end, or reap, something in a process that is paused.
SIGNALS = {
    "reaps everybody": """\
import os, signal
def reap(*_):
    while os.waitpid(-1, os.WNOHANG)[0]:
        pass
signal.signal(signal.SIGCHLD, reap)
""",
    "ignores its children": "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n",
    "leaves at a signal": "import signal, sys\n"
    "signal.signal(signal.SIGUSR2, lambda *_: sys.exit())\n",
}


@pytest.mark.parametrize("application", SIGNALS)
def test_handlers_of_the_application_do_not_run_in_what_is_paused(
    project: Path, application: str
) -> None:
    with paused_session(project, SIGNALS[application]) as (session, versions):
        paused = marked(session, "s")
        for pid in paused:
            os.kill(pid, signal.SIGUSR2)
        for _ in range(3):
            assert versions.save_and_ask()["level"] == "snapshot"
        for generation in (1, 2, 3):
            session.wait_for("exited", process="worker", generation=generation, status=0)

        # There may be more by now.
        assert set(paused) <= set(marked(session, "s"))


def test_exit_handlers_run_once_for_each_worker(project: Path) -> None:
    first = "import atexit, os\natexit.register(lambda: open('../ends', 'a').write('one\\n'))"
    with paused_session(project, first) as (session, versions):
        versions.save_and_ask()
        session.wait_for("exited", process="worker", generation=1)
        session.stop()

    assert (project.parent / "ends").read_text() == "one\n" * 2


# What a forked process could not go on with.
REFUSED: dict[str, str] = {
    "a thread": "import threading\n"
    "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "a socket": "import socket\nsocket_of_app = socket.create_server(('127.0.0.1', 0))",
    "a child": "import subprocess\nchild = subprocess.Popen(['sleep', '60'])",
    "a database": "import sqlite3\n"
    "connection = sqlite3.connect('../data.db')\nconnection.execute('pragma user_version')",
}


@pytest.mark.parametrize("thing", REFUSED)
def test_what_forbids_a_snapshot_is_said_once_and_restarts_are_right(
    project: Path, thing: str
) -> None:
    first = REFUSED[thing]
    (project / "slow.py").write_text(SLOW)
    (project / "app.py").write_text(ENTRY.format(first=first, version=1))
    with DevSession(project) as session:
        assert session.get().body == "1"
        versions = Versions(session, first)
        for _ in range(2):
            versions.save_and_ask()

        snapshots = [event for event in session.events if event["event"] == "snapshot_taken"]
        # Behind the import of the module, maybe, but not behind what was made with it.
        assert all(taken["import_ms"] < SLOW_MS for taken in snapshots)
        said = [line for line in session.output.splitlines() if ": restarts take " in line]
        assert said
        assert len(set(said)) == len(said)


# Nobody's child once the one in between has ended.
DAEMON = """\
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "60"])
    os._exit(0)
os.wait()"""


def test_daemon_that_the_import_starts_is_there_after_each_restart(project: Path) -> None:
    (project / "slow.py").write_text(SLOW)
    (project / "app.py").write_text(ENTRY.format(first=DAEMON, version=1))
    with DevSession(project) as session:
        assert session.get().body == "1"
        versions = Versions(session, DAEMON)
        for _ in range(2):
            versions.save_and_ask()
            # The worker and its daemon.
            wait_until(lambda: len(application_processes(session.session_id)) == 2, "a daemon")

        refused = session.wait_for("snapshot_refused")
        assert "a process that was started runs on" in refused["reason"]


def test_program_that_the_import_runs_to_its_end_costs_no_snapshot(project: Path) -> None:
    first = "import subprocess\nsubprocess.run(['sh', '-c', 'true; true'], check=True)"
    with paused_session(project, first) as (session, versions):
        assert versions.save_and_ask()["level"] == "snapshot"
        assert session.count("snapshot_refused") == 0


ENDS: dict[str, Callable[[DevSession], None]] = {
    "killed": lambda session: session.process.kill(),
    "terminated": lambda session: session.process.terminate(),
}


@pytest.mark.parametrize("way", ENDS)
def test_nothing_is_left_of_templates_and_snapshots(project: Path, way: str) -> None:
    with paused_session(project) as (session, versions):
        versions.save_and_ask()
        ENDS[way](session)

        wait_until(lambda: not marked(session, ""), "processes are left", 2.0)


def test_restart_for_a_file_that_only_requests_read_executes_none_of_the_import_again(
    project: Path,
) -> None:
    """A template, say. The first such save is where it becomes likely, the next one gains."""
    source = (
        "import os, time\n"
        "IMPORTED = os.urandom(4).hex()\n"
        "end = time.perf_counter() + 0.05\n"
        "while time.perf_counter() < end: pass\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    with open('page.html') as page:\n"
        "        return [f'{IMPORTED} {page.read()}'.encode()]\n"
    )
    (project / "app.py").write_text(source)
    (project / "page.html").write_text("1")
    with DevSession(project, "app:app", "--reload-strategy", "fork") as session:
        session.get()
        session.save("page.html", "2")
        second = session.get().body.split()
        taken = session.wait_for("snapshot_taken", place="at the end")
        session.save("page.html", "3")
        third = session.get().body.split()
        session.save("app.py", "# edited\n" + source)
        fourth = session.get().body.split()

    assert taken["path"] == str(project / "page.html")
    assert [second[1], third[1], fourth[1]] == ["2", "3", "3"]
    assert third[0] == second[0]
    assert fourth[0] != third[0]
