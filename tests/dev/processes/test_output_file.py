"""Who shows what, whatever the order of prints and claims."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.processes import memory_file
from wiverno.dev.processes.output_file import Claim, OutputFile, Piece

SIDES = (Claim.SUPERVISOR, Claim.CANDIDATE)


@pytest.fixture
def fd() -> Iterator[int]:
    fd = memory_file.create("wiverno-output-test")
    yield fd
    os.close(fd)


@given(st.lists(st.sampled_from([1, 2, *SIDES])))
def test_each_text_is_shown_once_and_by_whom_claimed_it_first(steps: list[int]) -> None:
    fd = memory_file.create("wiverno-output-test")
    sides = {claim: OutputFile(fd, claim) for claim in SIDES}
    printed: list[Piece] = []
    shown: list[Piece] = []
    for number, step in enumerate([*steps, Claim.SUPERVISOR]):
        if step in SIDES:
            claimed = sides[Claim(step)].claim()
            assert list(claimed) == printed[len(shown) :]
            shown += claimed
        else:
            printed.append((step, b"%d" % number))
            sides[Claim.CANDIDATE].add(*printed[-1])
    os.close(fd)

    assert shown == printed


def test_claim_of_nothing_writes_nothing(fd: int) -> None:
    assert OutputFile(fd, Claim.SUPERVISOR).claim() == []
    assert os.fstat(fd).st_size == 0


def test_torn_tail_is_left_out(fd: int) -> None:
    supervisor = OutputFile(fd, Claim.SUPERVISOR)
    OutputFile(fd, Claim.CANDIDATE).add(1, b"whole")
    whole = supervisor.claim()
    OutputFile(fd, Claim.CANDIDATE).add(1, b"torn by SIGKILL")
    os.ftruncate(fd, os.fstat(fd).st_size - 8)

    assert (list(whole), list(supervisor.claim())) == ([(1, b"whole")], [])


def test_text_when_the_descriptor_was_closed_raises() -> None:
    fd = memory_file.create("wiverno-output-test")
    output = OutputFile(fd, Claim.CANDIDATE)
    os.close(fd)
    with pytest.raises(OSError, match="Bad file"):
        output.add(1, b"text")
