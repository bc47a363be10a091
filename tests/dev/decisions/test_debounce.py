import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.decisions.debounce import Debounce


def test_deadline_when_nothing_changed_is_none() -> None:
    debounce = Debounce(1.0)
    assert debounce.deadline is None
    assert not debounce.due(1e9)


def test_change_arms_and_a_second_one_rearms() -> None:
    debounce = Debounce(1.0)
    debounce.change(10.0)
    assert debounce.deadline == 11.0
    debounce.change(10.5)
    assert debounce.deadline == 11.5
    assert not debounce.due(11.4)
    assert debounce.due(11.5)


def test_change_when_saves_never_stop_is_due_after_the_last_rearm() -> None:
    debounce = Debounce(1.0, max_rearms=2)
    for tenth in range(100):
        debounce.change(tenth / 10)
    assert debounce.deadline == 3.0


def test_change_when_one_save_rings_many_times_uses_nothing_up() -> None:
    debounce = Debounce(1.0, max_rearms=2)
    for _ in range(100):
        debounce.change(0.0)
    debounce.change(0.9)
    assert debounce.deadline == pytest.approx(1.9)


def test_change_when_already_due_does_not_postpone() -> None:
    debounce = Debounce(1.0)
    debounce.change(0.0)
    debounce.change(1.0)
    assert debounce.due(1.0)


def test_clear_forgets_so_that_the_next_change_arms_anew() -> None:
    debounce = Debounce(1.0)
    debounce.change(0.0)
    debounce.clear()
    assert debounce.deadline is None
    debounce.change(5.0)
    assert debounce.deadline == 6.0


def test_change_without_quiet_time_is_due_at_once() -> None:
    debounce = Debounce(0.0)
    debounce.change(3.0)
    assert debounce.due(3.0)


@given(
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    st.floats(0.01, 5.0),
    st.integers(0, 8),
)
def test_deadline_lies_within_its_bounds(
    gaps: list[float], quiet_s: float, max_rearms: int
) -> None:
    debounce = Debounce(quiet_s, max_rearms)
    now = first = 100.0
    latest = first + (max_rearms + 1) * quiet_s
    debounce.change(now)
    for gap in gaps:
        now += gap
        was_due = debounce.due(now)
        before = debounce.deadline
        debounce.change(now)
        deadline = debounce.deadline
        assert deadline is not None
        assert deadline <= latest + 1e-9
        if was_due:
            assert deadline == before
        else:
            assert deadline == pytest.approx(min(now + quiet_s, latest))
