"""Who started the session, and as what: a wrapper, a shell, a daemon's fork, PID 1."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.dev.harness import (
    VERSIONED_APP,
    DevSession,
    process_status,
    processes_of_session,
    processes_with,
    wait_until,
)

pytestmark = pytest.mark.processes

WITHIN_S = 2.0
MARK = uuid.uuid4().hex
MARKED = {"MARK": MARK}
WIVERNO = (sys.executable, "-m", "wiverno", "run", "dev", "app:app", "--port", "0")
DETACHED = """\
import subprocess, sys
subprocess.Popen(sys.argv[1:], close_fds=False, start_new_session=True).wait()
"""
OTHER_GROUP = DETACHED.replace("start_new_session=True", "process_group=0")
DAEMON = """\
import os, sys, threading
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    os._exit(0)
threading.Event().wait(60)
"""
# Each starter waits, so that the session has looked at it before it is killed.
MEANT_TO_STAY: dict[str, tuple[str, ...]] = {
    "nohup": ("sh", "-c", 'nohup "$@"; true', "sh"),
    "background of a script": ("sh", "-c", '"$@" & wait', "sh"),
    "background of a subshell": ("sh", "-c", '("$@" &); sleep 60', "sh"),
    "session of its own": (sys.executable, "-c", DETACHED),
    "job of a shell": (sys.executable, "-c", OTHER_GROUP),
    "daemon": (sys.executable, "-c", DAEMON),
}


@pytest.mark.parametrize("way", MEANT_TO_STAY)
def test_session_that_is_meant_to_stay_when_its_starter_is_killed_serves_on(
    project: Path, way: str
) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    command = (*MEANT_TO_STAY[way], *WIVERNO)
    with (
        DevSession(project, command=command, environment=MARKED) as session,
        none_left(),
    ):
        session.wait_until_serving()
        session.process.kill()
        session.process.wait(5)
        session.save("app.py", VERSIONED_APP.format(version=2))
        # The starter's end would have been told before the second generation serves.
        answer = session.get().body
        session.wait_until_serving(restart=2)

        assert answer == "000002"
        assert session.count("stopping") == 0
        end_supervisor(session)


def test_session_whose_wrapper_was_killed_says_why_it_ends(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    command = ("sh", "-c", '"$@"; true', "sh", *WIVERNO)
    with (
        DevSession(project, command=command, environment=MARKED) as session,
        none_left(),
    ):
        session.wait_until_serving()
        session.process.kill()

        session.wait_for("stopping", reason="starter ended")
        session.wait_for("stopped")
        assert "The process that started this session has ended." in session.output


# PID 1, as in a container.


def can_unshare() -> bool:
    command = ("unshare", "--pid", "--fork", "--mount-proc", "true")
    return shutil.which("unshare") is not None and subprocess.run(command).returncode == 0


needs_unshare = pytest.mark.skipif(
    not can_unshare(), reason="a process may not make a PID namespace here"
)
AS_PID_1 = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
LEAVING_APP = """
import os

def app(environ, start_response):
    # Two that end at once and are adopted: one of the session, one that nothing marks.
    os.system("sleep 0.1 &")
    os.system("env -i sh -c 'sleep 0.1 &'")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"left"]
"""


@needs_unshare
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_end_as_pid_1_takes_two_seconds_at_most_and_exits_0(
    project: Path, number: signal.Signals
) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, command=(*AS_PID_1, *WIVERNO)) as session:
        assert session.get().body == "000001"
        asked_at = time.monotonic()
        os.kill(supervisor_of(session), number)
        code = session.process.wait(10)
        took_s = time.monotonic() - asked_at
        left = processes_of_session(session.session_id)

    assert code == 0
    assert took_s < WITHIN_S
    assert left == []


@needs_unshare
def test_kill_as_pid_1_leaves_nothing(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, command=(*AS_PID_1, *WIVERNO)) as session:
        session.get()
        os.kill(supervisor_of(session), signal.SIGKILL)

        wait_until(lambda: not processes_of_session(session.session_id), "left", WITHIN_S)


USER_PROGRAM = """\
from wiverno.dev.dev_server import DevServer
DevServer.serve("app", port=0)
"""


@needs_unshare
@pytest.mark.parametrize("program", ["wiverno", "own"])
def test_zombies_of_orphans_as_pid_1_do_not_pile_up(project: Path, program: str) -> None:
    (project / "dev.py").write_text(USER_PROGRAM)
    command = WIVERNO if program == "wiverno" else (sys.executable, "dev.py")
    see_zombies_go(project, (*AS_PID_1, *command))


def test_zombies_of_orphans_in_our_own_program_do_not_pile_up(project: Path) -> None:
    see_zombies_go(project, WIVERNO)


def see_zombies_go(project: Path, command: tuple[str, ...]) -> None:
    (project / "app.py").write_text(LEAVING_APP)
    with DevSession(project, command=command) as session:
        session.get()
        supervisor = supervisor_of(session)
        wait_until(lambda: zombies_of(supervisor) == 2, "no orphan has ended")
        wait_until(lambda: zombies_of(supervisor) == 0, "zombies stay", 10.0)
        assert session.count("exited", process="worker") == 0
        # To it, not to `unshare`, which would let nothing through.
        end_supervisor(session)


def supervisor_of(session: DevSession) -> int:
    """By the pids that this process knows."""
    (pages,) = processes_with(f"WIVERNO_SESSION={session.session_id}.pages.")
    return int(process_status(pages)[1])


def zombies_of(parent: int) -> int:
    statuses = [process_status(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return sum(status[:2] == ["Z", str(parent)] for status in statuses)


def end_supervisor(session: DevSession) -> None:
    os.kill(supervisor_of(session), signal.SIGTERM)
    session.wait_for("stopped")


@contextmanager
def none_left() -> Iterator[None]:
    """A session that outlives its starter is not the harness's to end when the test fails."""
    try:
        yield
    finally:
        for pid in processes_with(f"MARK={MARK}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
