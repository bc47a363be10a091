"""When a request, and when a build, has waited long enough."""

from wiverno.dev.decisions.patience import Impatience, Patience


def due(patience: Patience, now: float) -> list[Impatience]:
    return list(patience.due(now))


def waiting(candidate: int = 1) -> Patience:
    patience = Patience(wait_s=10.0, build_s=120.0)
    patience.observe(0.0, someone_waits=True, candidate=candidate)
    return patience


def test_stack_is_asked_before_the_page_is_shown() -> None:
    patience = waiting()

    assert due(patience, 9.4) == []
    assert due(patience, 9.95) == [Impatience.ASK_STACK]
    assert due(patience, 9.96) == []
    assert due(patience, 10.0) == [Impatience.SHOW_PAGE]
    assert due(patience, 11.0) == []


def test_wait_goes_on_over_candidates_that_replace_each_other() -> None:
    patience = waiting()
    for candidate in range(2, 300):
        patience.observe(candidate / 30, someone_waits=True, candidate=candidate)

    assert Impatience.SHOW_PAGE in due(patience, 10.0)


def test_wait_ends_when_nobody_waits() -> None:
    patience = waiting()
    patience.observe(5.0, someone_waits=False, candidate=1)

    assert due(patience, 10.0) == []


def test_build_is_given_up_after_its_own_time() -> None:
    patience = Patience(wait_s=10.0, build_s=120.0)
    patience.observe(0.0, someone_waits=False, candidate=1)
    patience.observe(100.0, someone_waits=False, candidate=2)

    assert due(patience, 219.95) == [Impatience.ASK_STACK]
    assert due(patience, 220.0) == [Impatience.GIVE_UP]


def test_deadline_is_the_next_thing_that_becomes_due() -> None:
    patience = waiting()
    first = patience.deadline
    due(patience, 9.95)

    assert first == 9.5
    assert patience.deadline == 10.0
    assert Patience(10.0, 120.0).deadline is None
