"""Both sides of the number that tells a worker that its turn is over."""

import os
from collections.abc import Iterator

import pytest

from wiverno.dev.processes import memory_file
from wiverno.dev.processes.turns import Turn, TurnCount


@pytest.fixture
def fd() -> Iterator[int]:
    fd = memory_file.create("turns", appends=False)
    yield fd
    os.close(fd)


def test_turn_is_over_as_soon_as_the_supervisor_says_so(fd: int) -> None:
    count = TurnCount(fd)
    first = Turn.first(fd)
    was_over = first.is_over()
    count.end_turn()

    assert (was_over, first.is_over(), first.next().is_over()) == (False, True, False)


def test_turns_when_two_messages_are_under_way_are_both_over(fd: int) -> None:
    count = TurnCount(fd)
    first = Turn.first(fd)
    count.end_turn()
    count.end_turn()

    assert first.is_over()
    assert first.next().is_over()
    assert not first.next().next().is_over()


def test_turns_can_be_more_than_a_byte_counts(fd: int) -> None:
    count, turn = TurnCount(fd), Turn.first(fd)
    for _ in range(300):
        count.end_turn()
        assert turn.is_over()
        turn = turn.next()
        assert not turn.is_over()
