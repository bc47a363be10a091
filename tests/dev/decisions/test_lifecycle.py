"""The life of a session, decided without a process."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wiverno.dev.decisions.lifecycle import (
    Command,
    GoWorker,
    Lifecycle,
    RetireWorker,
    Server,
    ShowPage,
    StandDownPages,
    StartBuild,
)


def serving(generation: int = 1) -> Lifecycle:
    """A session in which `generation` serves."""
    lifecycle = Lifecycle()
    lifecycle.start()
    lifecycle.built_good(1)
    for number in range(2, generation + 1):
        lifecycle.changes_settled()
        lifecycle.built_good(number)
    return lifecycle


def showing_page() -> Lifecycle:
    lifecycle = Lifecycle()
    lifecycle.start()
    lifecycle.built_failed(1)
    return lifecycle


def test_start_builds_the_first_generation() -> None:
    assert Lifecycle().start() == [StartBuild(1)]


def test_first_good_build_goes_as_restart_one() -> None:
    lifecycle = Lifecycle()
    lifecycle.start()

    assert lifecycle.built_good(1) == [GoWorker(1, restart=1)]


def test_stale_worker_gets_a_build_at_once_and_is_retired_before_the_next_goes() -> None:
    lifecycle = serving()

    assert lifecycle.became_stale(1) == [StartBuild(2)]
    assert lifecycle.built_good(2) == [RetireWorker(1), GoWorker(2, restart=2)]


def test_stale_during_a_build_starts_no_second_one() -> None:
    lifecycle = serving()
    lifecycle.changes_settled()

    assert lifecycle.became_stale(1) == []
    assert lifecycle.someone_waits


def test_build_that_changed_meanwhile_is_repeated_at_once_when_someone_waits() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1)

    assert lifecycle.built_changed(2) == [StartBuild(3)]


def test_build_that_changed_meanwhile_waits_for_quiet_when_nobody_waits() -> None:
    lifecycle = serving()
    lifecycle.changes_settled()

    assert lifecycle.built_changed(2) == []
    assert lifecycle.changes_settled() == [StartBuild(3)]


def test_failed_build_retires_the_worker_and_shows_the_page() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1)

    assert lifecycle.built_failed(2) == [RetireWorker(1), ShowPage(2)]
    assert lifecycle.restart == 1


def test_good_build_goes_only_after_pages_stood_down() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1)

    assert lifecycle.built_good(2) == [StandDownPages()]
    assert not lifecycle.accepts
    assert lifecycle.pages_stood_down() == [GoWorker(2, restart=1)]


def test_pages_that_die_while_standing_down_do_not_hold_the_worker_back() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1)
    lifecycle.built_good(2)

    assert lifecycle.pages_died() == [GoWorker(2, restart=1)]


def test_pages_that_die_while_showing_show_the_page_again() -> None:
    assert showing_page().pages_died() == [ShowPage(1)]


def test_candidate_that_dies_while_pages_stand_down_gives_the_page() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1)
    lifecycle.built_good(2)

    assert lifecycle.built_failed(2) == [ShowPage(2)]
    assert lifecycle.pages_stood_down() == []


def test_worker_that_dies_is_built_again() -> None:
    lifecycle = serving()

    assert lifecycle.worker_died(1) == [StartBuild(2)]
    assert lifecycle.server is Server.NOBODY


def test_third_death_without_a_change_gives_the_page() -> None:
    lifecycle = serving()
    for generation in (1, 2):
        lifecycle.worker_died(generation)
        lifecycle.built_good(generation + 1)

    assert lifecycle.worker_died(3) == [ShowPage(3)]


def test_change_between_deaths_starts_the_count_again() -> None:
    lifecycle = serving()
    for generation in (1, 2):
        lifecycle.worker_died(generation)
        lifecycle.built_good(generation + 1)
    lifecycle.became_stale(3)
    lifecycle.built_good(4)

    assert lifecycle.worker_died(4) == [StartBuild(5)]


def test_events_of_an_old_generation_are_ignored() -> None:
    lifecycle = serving(2)

    assert lifecycle.became_stale(1) == []
    assert lifecycle.built_good(1) == []
    assert lifecycle.built_failed(1) == []
    assert lifecycle.built_changed(1) == []
    assert lifecycle.worker_died(1) == []


class Session(RuleBasedStateMachine):
    """Any order of events: the world the commands describe keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.lifecycle = Lifecycle()
        self.building: set[int] = set()
        self.accepting: set[int] = set()
        self.page: int | None = None
        self.standing_down = False
        self.carry_out(self.lifecycle.start())

    def carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case StartBuild():
                    self.building.add(command.generation)
                case GoWorker():
                    assert self.page is None or self.standing_down, "page and worker at once"
                    self.page, self.standing_down = None, False
                    self.accepting.add(command.generation)
                case RetireWorker():
                    self.accepting.remove(command.generation)
                case ShowPage():
                    self.page, self.standing_down = command.generation, False
                case StandDownPages():
                    self.standing_down = True

    @precondition(lambda self: self.building)
    @rule()
    def a_build_is_good(self) -> None:
        self.carry_out(self.lifecycle.built_good(self.building.pop()))

    @precondition(lambda self: self.building)
    @rule()
    def a_build_fails(self) -> None:
        self.carry_out(self.lifecycle.built_failed(self.building.pop()))

    @precondition(lambda self: self.building)
    @rule()
    def a_build_sees_a_change(self) -> None:
        self.carry_out(self.lifecycle.built_changed(self.building.pop()))

    @rule()
    def changes_settle(self) -> None:
        self.carry_out(self.lifecycle.changes_settled())

    @precondition(lambda self: self.lifecycle.serving is not None)
    @rule()
    def a_gate_trips(self) -> None:
        assert self.lifecycle.serving is not None
        self.carry_out(self.lifecycle.became_stale(self.lifecycle.serving))

    @precondition(lambda self: self.accepting)
    @rule()
    def a_worker_dies(self) -> None:
        self.carry_out(self.lifecycle.worker_died(self.accepting.pop()))

    @precondition(lambda self: self.standing_down)
    @rule()
    def pages_stand_down(self) -> None:
        self.carry_out(self.lifecycle.pages_stood_down())

    @precondition(lambda self: self.page is not None)
    @rule()
    def pages_die(self) -> None:
        self.carry_out(self.lifecycle.pages_died())

    @precondition(lambda self: self.lifecycle.ready is not None)
    @rule()
    def the_ready_candidate_dies(self) -> None:
        assert self.lifecycle.ready is not None
        self.carry_out(self.lifecycle.built_failed(self.lifecycle.ready))

    @invariant()
    def at_most_one_answers(self) -> None:
        assert len(self.accepting) + (self.page is not None) <= 1

    @invariant()
    def at_most_one_build_runs(self) -> None:
        assert len(self.building) <= 1

    @invariant()
    def whoever_waits_is_waited_for_by_a_build(self) -> None:
        if self.lifecycle.someone_waits:
            assert self.building or self.lifecycle.ready is not None


TestSession = Session.TestCase
TestSession.settings = settings(derandomize=True, max_examples=200, stateful_step_count=40)
