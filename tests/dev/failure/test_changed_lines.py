"""Which lines changed: single edits by hand, any edits against what must always hold."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.failure.changed_lines import ChangedLines, changed_lines

OLD = ["import os", "", "def f():", "    return 1", "", "def g():", "    return 2"]


def compared(new: list[str]) -> tuple[set[int], dict[int, int]]:
    changes = changed_lines(OLD, new)
    return set(changes.changed), changes.removed_above


@pytest.mark.parametrize(
    ("new", "changed", "removed_above"),
    [
        (OLD, set(), {}),
        ([*OLD[:3], "    return 3", *OLD[4:]], {4}, {}),
        ([*OLD[:1], "import re", *OLD[1:]], {2}, {}),
        ([*OLD, "x = 1"], {8}, {}),
        (["x = 1", *OLD], {1}, {}),
        ([*OLD[:2], *OLD[4:]], set(), {3: 2}),
        (OLD[1:], set(), {1: 1}),
        (OLD[:-2], set(), {6: 2}),
        (["import re", *OLD[1:4], *OLD[5:]], {1}, {5: 1}),
        ([*OLD[:2], "pass", *OLD[4:]], {3}, {}),
        ([], set(), {1: 7}),
    ],
    ids=[
        "nothing",
        "a line replaced",
        "a line inserted",
        "appended",
        "prepended",
        "lines removed",
        "the first removed",
        "the last removed",
        "replaced here and removed there",
        "two lines replaced by one",
        "all removed",
    ],
)
def test_changed_lines_after_one_edit(
    new: list[str], changed: set[int], removed_above: dict[int, int]
) -> None:
    assert compared(new) == (changed, removed_above)


def test_changed_lines_of_a_source_that_was_empty_are_all() -> None:
    assert changed_lines([], ["a", "b"]) == ChangedLines(frozenset({1, 2}))


lines = st.lists(st.sampled_from(["a", "b", "c", "", "    d"]), max_size=30)


@given(lines, lines)
def test_unmarked_lines_stand_in_the_old_source_in_the_same_order(
    old: list[str], new: list[str]
) -> None:
    changes = changed_lines(old, new)
    rest = iter(old)
    unmarked = [line for number, line in enumerate(new, 1) if number not in changes.changed]

    assert all(line in rest for line in unmarked)
    assert bool(changes) == (old != new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([f"a{n}" for n in range(20_000)], [f"b{n}" for n in range(20_000)]),
        ([f"a{n}" for n in range(20_000)], [f"{'ab'[n % 2]}{n}" for n in range(20_000)]),
        ([f"a{n}" for n in range(20_000)], [f"a{n}" for n in reversed(range(20_000))]),
        (["", "x"] * 10_000, ["", "y"] * 10_000),
        (["pass"] * 20_000, ["pass", "x"] * 9_000),
    ],
    ids=["all other", "every second", "reversed", "blank lines alike", "all alike"],
)
def test_comparison_of_a_huge_file_takes_little_time(old: list[str], new: list[str]) -> None:
    begun = time.process_time()
    changes = changed_lines(old, new)

    # It is about 0.02 s; difflib alone takes from ten seconds up to hours.
    assert time.process_time() - begun < 2
    assert changes.changed


def test_line_that_moved_in_a_huge_file_is_not_marked_beside_one_that_changed() -> None:
    old = [f"a{n}" for n in range(20_000)]
    new = ["new", *reversed(old)]

    assert changed_lines(old, new).changed == {1}
