"""The PID file and what stands beside it."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wiverno.dev.control.process_identity import KnownProcess, start_mark
from wiverno.dev.control.session_file import (
    Finding,
    Look,
    SessionDetails,
    SessionFile,
    SessionFileBusyError,
    SessionFileError,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dev.pid"


@pytest.fixture
def file(path: Path) -> SessionFile:
    return SessionFile(path)


@pytest.fixture
def details() -> SessionDetails:
    """Of the process that runs the tests."""
    pid = os.getpid()
    return SessionDetails(pid, start_mark(pid) or "", "/project", ("run:app",), "/log", 1.0)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which ends with its standard input."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_look_when_nothing_is_there_is_absent(file: SessionFile) -> None:
    assert file.look() == Look(Finding.ABSENT)


def test_look_when_the_session_runs_gives_its_details(
    file: SessionFile, details: SessionDetails, path: Path
) -> None:
    file.create(details)

    assert file.look() == Look(Finding.RUNNING, details.pid, details)
    # What `int(pid_file.read())` and `kill $(cat dev.pid)` need.
    assert int(path.read_text()) == details.pid


def test_look_when_the_start_time_differs_is_reused(
    file: SessionFile, details: SessionDetails
) -> None:
    file.create(replace(details, start_mark="1"))

    assert file.look().finding is Finding.REUSED


def test_look_when_the_process_is_a_zombie_is_gone(
    file: SessionFile, details: SessionDetails, process: subprocess.Popen[bytes]
) -> None:
    mark = start_mark(process.pid)
    assert mark is not None
    file.create(replace(details, pid=process.pid, start_mark=mark))
    with KnownProcess(process.pid, mark) as known:
        process.kill()
        assert known.has_ended(10)

    # Nobody has waited for it yet.
    assert file.look().finding is Finding.GONE
    with pytest.raises(ProcessLookupError):
        KnownProcess(process.pid, mark)


def test_look_when_a_plain_pid_file_names_a_dead_process_is_gone(
    file: SessionFile, path: Path, process: subprocess.Popen[bytes]
) -> None:
    process.kill()
    process.wait(10)
    path.write_text(f"{process.pid}\n")

    assert file.look() == Look(Finding.GONE, process.pid)


def test_look_when_a_plain_pid_file_names_a_live_process_claims_nothing(
    file: SessionFile, path: Path
) -> None:
    path.write_text(f"{os.getpid()}\n")

    with pytest.raises(SessionFileError, match="nothing shows that it is a wiverno session"):
        file.look()


def test_look_when_the_details_are_about_another_pid_claims_nothing(
    file: SessionFile, path: Path, details: SessionDetails
) -> None:
    file.create(replace(details, pid=1))
    path.write_text(f"{os.getpid()}\n")

    with pytest.raises(SessionFileError):
        file.look()


@pytest.mark.parametrize("text", ["", "hello", "-1", "0", "99999999999", "²"])
def test_look_when_the_file_holds_no_pid_says_what_it_holds(
    file: SessionFile, path: Path, text: str
) -> None:
    path.write_text(text)

    with pytest.raises(SessionFileError, match="is no PID file") as caught:
        file.look()
    assert repr(text) in str(caught.value)


def test_update_when_the_details_were_removed_writes_nothing(
    file: SessionFile, details: SessionDetails, tmp_path: Path
) -> None:
    file.create(details)
    file.clear()

    file.update(replace(details, restart=2))

    assert not list(tmp_path.iterdir())


def test_update_and_remove_when_another_session_has_the_file_leave_it(
    file: SessionFile, details: SessionDetails
) -> None:
    another = replace(details, start_mark="another", pid=1)
    file.create(another)
    text = file.path.read_text()

    file.update(replace(details, restart=2))
    file.remove(details)

    assert (file.path.read_text(), file.look().details) == (text, another)


def test_remove_when_it_is_ours_leaves_nothing(
    file: SessionFile, details: SessionDetails, tmp_path: Path
) -> None:
    file.create(details)

    file.remove(details)

    assert not list(tmp_path.iterdir())


def test_create_when_the_file_cannot_be_replaced_leaves_nothing_half_written(
    file: SessionFile, details: SessionDetails, path: Path, tmp_path: Path
) -> None:
    path.mkdir()

    with pytest.raises(IsADirectoryError):
        file.create(details)

    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_lock_when_another_has_it_gives_up_at_its_deadline(file: SessionFile, path: Path) -> None:
    with (
        file.locked(1),
        pytest.raises(SessionFileBusyError, match=r"after 0\.05 s"),
        SessionFile(path).locked(0.05),
    ):
        pass


def test_lock_when_the_file_is_removed_before_it_is_locked_takes_the_next_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_path = tmp_path / "dev.pid.lock"
    lock = fcntl.flock

    def lock_late(fd: int, operation: int) -> None:
        # Whoever had it has just finished.
        monkeypatch.undo()
        lock_path.unlink()
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)

    with SessionFile(path).locked(1):
        assert lock_path.exists()


def test_lock_when_many_want_it_lets_one_in_at_a_time(path: Path, tmp_path: Path) -> None:
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with SessionFile(path).locked(30):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == 1
    assert not list(tmp_path.iterdir())
