"""Where snapshots are worth their price."""

import pytest

from wiverno.dev.decisions.placement import Kept, Place, Placement, one_too_many


@pytest.mark.parametrize(
    ("place", "is_entry", "path", "since_last_s", "wanted"),
    [
        (Place.BEFORE, False, "hot.py", 0.005, True),
        (Place.BEFORE, False, "hot.py", 0.003, False),
        (Place.BEHIND_IMPORTS, False, "hot.py", 0.005, False),
        (Place.BEHIND_IMPORTS, True, "hot.py", 0.011, True),
        (Place.BEHIND_IMPORTS, True, "run.py", 0.399, False),
        (Place.BEHIND_IMPORTS, True, "run.py", 0.401, True),
        (Place.BEFORE, False, "cold.py", 0.401, True),
        (Place.BEHIND_IMPORTS, False, "cold.py", 0.399, False),
        (Place.AT_END, False, "hot.html", 0.005, True),
        (Place.AT_END, False, "hot.html", 0.003, False),
    ],
)
def test_point_of_a_restart_is_wanted_where_edits_are_or_much_time_has_passed(
    place: Place, is_entry: bool, path: str, since_last_s: float, wanted: bool
) -> None:
    placement = Placement(["hot.py", "hot.html"])

    found = placement.wants(path, place, is_entry=is_entry, since_last_s=since_last_s)

    assert found is wanted


@pytest.mark.parametrize(
    ("place", "is_entry", "since_last_s", "wanted"),
    [
        (Place.BEHIND_IMPORTS, True, 0.011, True),
        (Place.BEHIND_IMPORTS, True, 0.009, False),
        (Place.BEFORE, True, 0.011, False),
        (Place.BEFORE, False, 0.041, True),
        (Place.BEHIND_IMPORTS, False, 0.039, False),
    ],
)
def test_point_of_the_first_build_is_wanted_when_import_time_has_passed(
    place: Place, is_entry: bool, since_last_s: float, wanted: bool
) -> None:
    placement = Placement([])

    found = placement.wants("a", place, is_entry=is_entry, since_last_s=since_last_s)

    assert found is wanted


def test_long_import_gets_snapshots_further_and_further_apart() -> None:
    placement, taken, last, now_s = Placement([]), 0, 0.0, 0.0
    while now_s < 10.0:
        now_s += 0.01
        if placement.wants("m.py", Place.BEFORE, is_entry=False, since_last_s=now_s - last):
            placement.took()
            taken, last = taken + 1, now_s

    assert 10 <= taken <= 16


def test_few_snapshots_are_all_kept() -> None:
    assert one_too_many([Kept(0.1, False)] * 3) is None


def test_least_useful_snapshot_goes_but_neither_hot_nor_deepest() -> None:
    kept = [
        Kept(0.50, False),
        Kept(0.51, True),
        Kept(0.60, False),
        Kept(0.90, False),
        Kept(0.91, False),
    ]

    assert one_too_many(kept) == 2
