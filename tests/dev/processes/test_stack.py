"""Asking a process where it stands signals that process, and nobody else."""

import os
import signal

import pytest

from wiverno.dev.processes import memory_file, stack
from wiverno.dev.processes.stack import answer_with_more, answer_with_stack, ask_for_stack


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pids that were signalled. Signalled for good, our group would be gone."""
    pids: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: pids.append(pid))
    return pids


@pytest.mark.parametrize(("pid", "signalled"), [(4711, [4711]), (0, [])], ids=["born", "unborn"])
def test_process_is_signalled_only_once_it_has_said_who_it_is(
    killed: list[int], pid: int, signalled: list[int]
) -> None:
    """To `kill` a pid of 0 is every process of our own group."""
    fd = memory_file.create("stack")
    os.write(fd, b"\n")

    begins_at = ask_for_stack(pid, fd)
    os.close(fd)

    assert killed == signalled
    assert begins_at == 1


def test_process_that_cannot_answer_yet_is_not_signalled(killed: list[int]) -> None:
    fd = memory_file.create("stack")

    ask_for_stack(4711, fd)
    os.close(fd)

    assert killed == []


def test_process_that_is_asked_writes_where_it_stands() -> None:
    fd = memory_file.create("stack")
    answer_with_stack(fd)
    try:
        begins_at = ask_for_stack(os.getpid(), fd)
        answer = memory_file.read(fd)[begins_at:]
    finally:
        stack._answer_no_more()
        os.close(fd)

    assert b"test_process_that_is_asked_writes_where_it_stands" in answer


def test_process_that_cannot_say_more_is_not_interrupted_by_that() -> None:
    fd = memory_file.create("stack")
    answer_with_stack(fd)

    def fail() -> str:
        raise LookupError

    answer_with_more(fd, fail)
    try:
        begins_at = ask_for_stack(os.getpid(), fd)
        answer = memory_file.read(fd)[begins_at:]
    finally:
        stack._answer_no_more()
        assert stack._STACK_SIGNAL is not None
        signal.signal(stack._STACK_SIGNAL, signal.SIG_DFL)
        os.close(fd)

    assert b"test_process_that_cannot_say_more_is_not_interrupted_by_that" in answer
