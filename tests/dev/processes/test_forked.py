"""What the supervisor holds about a process that another one has forked."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wiverno.dev.processes.channel import Channel
from wiverno.dev.processes.forked import ForkedProcess
from wiverno.dev.processes.spawn import open_pidfd

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "30"])
    yield process
    process.kill()
    process.wait()


def pidfd_of(process: "subprocess.Popen[bytes]") -> int:
    pidfd = open_pidfd(process.pid)
    assert pidfd is not None
    return pidfd


def test_process_before_it_has_said_who_it_is_runs() -> None:
    process = ForkedProcess()

    assert process.is_unborn
    assert process.poll() is None


def test_process_whose_parent_died_before_the_fork_has_ended() -> None:
    process = ForkedProcess()

    process.ended(-signal.SIGKILL)

    assert not process.is_unborn
    assert process.poll() == -signal.SIGKILL


def test_process_that_is_killed_before_it_has_said_who_it_is_is_killed_then(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    process = ForkedProcess()
    process.kill()

    pidfd = pidfd_of(sleeper)
    process.begun(sleeper.pid, pidfd)
    os.close(pidfd)

    assert sleeper.wait(5) == -signal.SIGKILL


def test_end_of_the_channel_that_was_on_its_way_is_closed_when_the_process_has_it(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    ours, theirs = Channel.pair()
    process = ForkedProcess()
    process.their_end = theirs

    pidfd = pidfd_of(sleeper)
    process.begun(sleeper.pid, pidfd)
    os.close(pidfd)
    ours.close()

    assert theirs.fileno() == -1
    assert process.their_end is None


def test_process_of_another_parent_runs_until_that_one_tells() -> None:
    process = ForkedProcess()
    pidfd = os.pidfd_open(os.getppid())
    process.begun(os.getppid(), pidfd)
    os.close(pidfd)

    assert process.poll() is None
    process.ended(3)
    assert process.poll() == 3


def test_process_that_has_become_our_child_is_reaped() -> None:
    sleeper = subprocess.Popen(["sleep", "30"])
    process = ForkedProcess()
    pidfd = pidfd_of(sleeper)
    process.begun(sleeper.pid, pidfd)

    process.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    os.close(pidfd)

    assert process.poll() == -signal.SIGKILL
    sleeper.wait()
