"""Which late events still call for a restart."""

from wiverno.dev.decisions.changes import BuildStart, Change, is_news

START = BuildStart(monotonic_s=100.0, wall_ns=5_000_000_000)


def change(noticed_at: float = 100.2) -> Change:
    return Change("modified", "/p/a.py", noticed_at)


def test_file_changed_after_the_build_began_is_news() -> None:
    assert is_news(change(), START.wall_ns + 1_000_000, START)


def test_file_changed_before_the_build_began_is_old() -> None:
    assert not is_news(change(), START.wall_ns - 20_000_000, START)


def test_file_changed_within_a_clock_tick_of_the_start_is_news() -> None:
    assert is_news(change(), START.wall_ns - 3_000_000, START)


def test_deletion_noticed_long_after_the_build_began_is_news() -> None:
    assert is_news(change(noticed_at=102.0), None, START)


def test_deletion_noticed_as_late_as_the_watcher_may_be_is_old() -> None:
    assert not is_news(change(noticed_at=100.5), None, START)
