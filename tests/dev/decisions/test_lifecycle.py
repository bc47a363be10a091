"""The life of a session, decided without a process."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wiverno.dev.decisions.commands import (
    Command,
    Discard,
    GoWorker,
    KeepWorker,
    RetireWorker,
    SayStopsFirst,
    ShowPage,
    StandDownPages,
    StartBuild,
)
from wiverno.dev.decisions.lifecycle import Blame, Lifecycle, Server


def serving(generation: int = 1, lifecycle: Lifecycle | None = None) -> Lifecycle:
    """A session in which `generation` serves."""
    lifecycle = lifecycle or Lifecycle()
    lifecycle.start()
    lifecycle.built_good(1)
    for number in range(2, generation + 1):
        lifecycle.restart_asked()
        lifecycle.built_good(number)
    return lifecycle


def keeping() -> Lifecycle:
    """A session with `--on-error keep` in which generation 1 serves."""
    return serving(lifecycle=Lifecycle(keeps_on_error=True, retry_pause_s=2.0))


def manual(*, keeps: bool = False) -> Lifecycle:
    """A session with `--reload manual` in which generation 1 serves."""
    return serving(lifecycle=Lifecycle(is_manual=True, keeps_on_error=keeps))


def showing_page() -> Lifecycle:
    lifecycle = Lifecycle()
    lifecycle.start()
    lifecycle.built_failed(1, Blame.CODE, now=0.0)
    return lifecycle


def test_start_builds_the_first_generation() -> None:
    assert Lifecycle().start() == [StartBuild(1)]


def test_first_good_build_goes_as_restart_one() -> None:
    lifecycle = Lifecycle()
    lifecycle.start()

    assert lifecycle.built_good(1) == [GoWorker(1, restart=1)]


def test_stale_worker_gets_a_build_at_once_and_is_retired_before_the_next_goes() -> None:
    lifecycle = serving()

    assert lifecycle.became_stale(1, now=0.0) == [StartBuild(2)]
    assert lifecycle.built_good(2) == [RetireWorker(1), GoWorker(2, restart=2)]


def test_stale_during_a_build_starts_no_second_one() -> None:
    lifecycle = serving()
    lifecycle.changes_settled(now=0.0)

    assert lifecycle.became_stale(1, now=0.0) == []
    assert lifecycle.someone_waits


def test_build_that_changed_meanwhile_is_repeated_at_once_when_someone_waits() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_changed(2, now=0.0) == [StartBuild(3)]


def test_build_that_changed_meanwhile_waits_for_quiet_when_nobody_waits() -> None:
    lifecycle = serving()
    lifecycle.changes_settled(now=0.0)

    assert lifecycle.built_changed(2, now=0.0) == []
    assert lifecycle.changes_settled(now=0.0) == [StartBuild(3)]


def test_builds_that_change_for_longer_than_the_bound_give_a_page() -> None:
    lifecycle = Lifecycle(verify_bound_s=10.0)
    lifecycle.start()

    for generation, now in enumerate([0.0, 0.1, 0.2, 5.0, 9.9], 1):
        assert lifecycle.built_changed(generation, now) == [StartBuild(generation + 1)]
    assert lifecycle.built_changed(6, now=10.0) == [ShowPage(6)]


def test_few_builds_that_change_are_no_reason_for_a_page_however_long_they_take() -> None:
    """Saves that each met the import of a minute."""
    lifecycle = Lifecycle(verify_bound_s=10.0)
    lifecycle.start()

    for generation in range(1, 5):
        commands = lifecycle.built_changed(generation, now=60.0 * generation)
        assert commands == [StartBuild(generation + 1)]
    assert lifecycle.built_changed(5, now=300.0) == [ShowPage(5)]


def test_builds_that_are_replaced_for_longer_than_the_bound_give_a_page() -> None:
    """An import that writes what it has read, and then takes longer than a burst to settle."""
    lifecycle = Lifecycle(verify_bound_s=10.0)
    lifecycle.start()

    for generation, now in enumerate([0.0, 2.0, 4.0, 6.0, 8.0], 1):
        commands = lifecycle.changes_settled(now, candidate_is_stale=True)
        assert commands == [Discard(generation), StartBuild(generation + 1)]
    commands = lifecycle.changes_settled(now=10.0, candidate_is_stale=True)
    assert commands == [Discard(6), ShowPage(6)]


def test_request_that_finds_every_build_stale_gets_a_page_after_the_bound() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)

    for now in [1.0, 3.0, 5.0, 7.0, 9.0]:
        lifecycle.became_stale(1, now, candidate_is_stale=True)
    commands = lifecycle.became_stale(1, now=11.0, candidate_is_stale=True)
    assert commands == [Discard(7), ShowPage(7)]


def kept_changing(lifecycle: Lifecycle, until: float = 10.0) -> None:
    """Builds from second 0 on that all turn out to be stale."""
    for now in (0.0, 0.1, 0.2, 0.3, until):
        assert lifecycle.candidate is not None
        lifecycle.built_changed(lifecycle.candidate, now)


def test_second_try_without_the_old_worker_does_not_begin_the_bound_anew() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)
    kept_changing(lifecycle, until=1.0)
    assert lifecycle.candidate == 7
    lifecycle.built_failed(7, Blame.WORLD, now=5.0)
    for generation in range(1, 8):
        lifecycle.process_exited(generation)

    assert lifecycle.built_changed(8, now=10.0) == [ShowPage(8)]


def test_page_of_a_file_that_kept_changing_is_retried_once_and_at_rest_heals() -> None:
    """Somebody saved for ten seconds, and the last save is in the page."""
    lifecycle = Lifecycle(retry_pause_s=2.0)
    lifecycle.start()
    kept_changing(lifecycle)

    assert lifecycle.failure_was_met(now=11.9) == []
    assert lifecycle.failure_was_met(now=12.0) == [StartBuild(6, is_retry=True)]
    assert lifecycle.built_good(6) == [StandDownPages(6)]


def test_retry_of_a_file_that_goes_on_changing_fails_at_once() -> None:
    lifecycle = Lifecycle(retry_pause_s=2.0)
    lifecycle.start()
    kept_changing(lifecycle)
    lifecycle.failure_was_met(now=12.0)

    assert lifecycle.built_changed(6, now=12.1) == [ShowPage(6)]


@pytest.mark.parametrize("how", ["a change", "by hand", "another failure"])
def test_bound_begins_anew_when_something_else_is_built(how: str) -> None:
    lifecycle = Lifecycle()
    lifecycle.start()
    if how == "a change":
        kept_changing(lifecycle)
    else:
        kept_changing(lifecycle, until=9.9)
        if how == "another failure":
            lifecycle.built_failed(6, Blame.SYNTAX, now=9.9)
    lifecycle.restart_asked() if how == "by hand" else lifecycle.changes_settled(now=20.0)

    # No page: either it is built again, or the next burst is waited for.
    assert lifecycle.candidate is not None
    commands = lifecycle.built_changed(lifecycle.candidate, now=20.0)
    assert not any(isinstance(command, ShowPage) for command in commands)


def test_failed_build_retires_the_worker_and_shows_the_page() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_failed(2, Blame.CODE, now=0.0) == [RetireWorker(1), ShowPage(2)]
    assert lifecycle.restart == 1


def test_good_build_goes_only_after_pages_stood_down() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_good(2) == [StandDownPages(2)]
    assert not lifecycle.accepts
    assert lifecycle.pages_stood_down(2) == [GoWorker(2, restart=1)]


def test_pages_that_die_while_standing_down_do_not_hold_the_worker_back() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_good(2)

    assert lifecycle.pages_died() == [GoWorker(2, restart=1)]


def test_pages_that_die_while_showing_show_the_page_again() -> None:
    assert showing_page().pages_died() == [ShowPage(1)]


def test_candidate_that_dies_while_pages_stand_down_gives_the_page() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_good(2)

    assert lifecycle.built_failed(2, Blame.CODE, now=0.0) == [ShowPage(2)]
    assert lifecycle.pages_stood_down(2) == []


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
    lifecycle.became_stale(3, now=0.0)
    lifecycle.built_good(4)

    assert lifecycle.worker_died(4) == [StartBuild(5)]


def test_events_of_an_old_generation_are_ignored() -> None:
    lifecycle = serving(2)

    assert lifecycle.became_stale(1, now=0.0) == []
    assert lifecycle.built_good(1) == []
    assert lifecycle.built_failed(1, Blame.CODE, now=0.0) == []
    assert lifecycle.built_changed(1, now=0.0) == []
    assert lifecycle.worker_died(1) == []


def test_request_that_waited_too_long_gets_a_page_while_the_build_goes_on() -> None:
    lifecycle = Lifecycle()
    lifecycle.start()

    assert lifecycle.waited_too_long() == [ShowPage(1, is_final=False)]
    assert lifecycle.built_good(1) == [StandDownPages(1)]
    assert lifecycle.pages_stood_down(1) == [GoWorker(1, restart=1)]


def test_nobody_waits_too_long_while_a_fresh_worker_serves() -> None:
    lifecycle = serving()
    lifecycle.changes_settled(now=0.0)

    assert lifecycle.waited_too_long() == []


def test_fix_of_a_hanging_build_replaces_it() -> None:
    lifecycle = Lifecycle()
    lifecycle.start()
    lifecycle.waited_too_long()

    assert lifecycle.became_stale(1, now=0.0) == [Discard(1), StartBuild(2)]
    assert lifecycle.built_failed(1, Blame.WORLD, now=0.0) == []


def test_change_that_the_candidate_has_read_replaces_it() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.changes_settled(now=0.0, candidate_is_stale=True) == [
        Discard(2),
        StartBuild(3),
    ]


def test_failure_of_the_world_while_the_worker_is_busy_is_shown_and_retried_at_its_end() -> None:
    """Requests in flight are not cut for the second try."""
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    shown = lifecycle.built_failed(2, Blame.WORLD, now=0.0, older_is_busy=True)
    while_it_leaves = lifecycle.process_exited(2)
    at_its_end = lifecycle.process_exited(1)

    assert shown == [RetireWorker(1), ShowPage(2)]
    assert while_it_leaves == []
    assert at_its_end == [StartBuild(3, is_retry=True)]
    assert SayStopsFirst() in lifecycle.built_good(3)


def test_request_that_finds_page_and_retry_stale_replaces_the_retry() -> None:
    """It may hang, as long as the request waits: a database that takes connections again."""
    lifecycle = showing_page()
    assert lifecycle.failure_was_met(now=2.0) == [StartBuild(2, is_retry=True)]

    assert lifecycle.became_stale(1, now=0.0, candidate_is_stale=True) == [
        Discard(2),
        StartBuild(3),
    ]


def test_candidate_that_ended_before_its_failure_was_judged_is_not_waited_for() -> None:
    """The verdict waits while somebody writes a file that it has read."""
    lifecycle = serving()
    lifecycle.restart_asked()
    lifecycle.process_exited(2)

    assert lifecycle.built_failed(2, Blame.WORLD, now=0.0) == [RetireWorker(1, must_be_gone=True)]
    assert lifecycle.process_exited(1) == [StartBuild(3)]


def test_page_is_retried_behind_it_after_a_pause() -> None:
    lifecycle = Lifecycle(retry_pause_s=2.0)
    lifecycle.start()
    lifecycle.built_failed(1, Blame.CODE, now=10.0)

    assert lifecycle.failure_was_met(11.9) == []
    assert lifecycle.failure_was_met(12.0) == [StartBuild(2, is_retry=True)]
    assert lifecycle.failure_was_met(12.1) == []
    assert lifecycle.built_good(2) == [StandDownPages(2)]


def test_syntax_error_is_not_retried() -> None:
    lifecycle = Lifecycle()
    lifecycle.start()
    lifecycle.built_failed(1, Blame.SYNTAX, now=0.0)

    assert lifecycle.failure_was_met(100.0) == []


def test_failure_owed_to_the_world_is_tried_again_without_the_old_worker() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_failed(2, Blame.WORLD, now=0.0) == [
        RetireWorker(1, must_be_gone=True),
        RetireWorker(2, must_be_gone=True),
    ]
    assert lifecycle.process_exited(2) == []
    assert lifecycle.process_exited(1) == [StartBuild(3)]
    assert lifecycle.built_good(3) == [SayStopsFirst(), GoWorker(3, restart=2)]


def test_stopping_first_is_remembered_when_it_helped() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.WORLD, now=0.0)
    lifecycle.process_exited(2)
    lifecycle.process_exited(1)
    lifecycle.built_good(3)

    assert lifecycle.became_stale(3, now=0.0) == [RetireWorker(3, must_be_gone=True)]
    assert lifecycle.process_exited(3) == [StartBuild(4)]
    assert lifecycle.built_good(4) == [GoWorker(4, restart=3)]


def test_stopping_first_is_not_what_helped_when_the_second_try_was_replaced() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.WORLD, now=0.0)
    lifecycle.process_exited(2)
    lifecycle.process_exited(1)
    assert lifecycle.changes_settled(now=0.0, candidate_is_stale=True) == [
        Discard(3),
        StartBuild(4),
    ]

    assert lifecycle.built_good(4) == [GoWorker(4, restart=2)]
    assert not lifecycle.stops_first


def test_stopping_first_is_not_what_helped_when_the_second_try_changed_meanwhile() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.WORLD, now=0.0)
    lifecycle.process_exited(2)
    lifecycle.process_exited(1)
    assert lifecycle.built_changed(3, now=0.0) == [StartBuild(4)]

    assert lifecycle.built_good(4) == [GoWorker(4, restart=2)]
    assert not lifecycle.stops_first


def test_second_failure_without_the_old_worker_shows_the_page() -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.WORLD, now=0.0)
    lifecycle.process_exited(2)
    lifecycle.process_exited(1)

    assert lifecycle.built_failed(3, Blame.WORLD, now=0.0) == [ShowPage(3)]
    assert not lifecycle.stops_first


@pytest.mark.parametrize("blame", [Blame.SYNTAX, Blame.CODE])
def test_failure_owed_to_the_code_shows_the_page_at_once(blame: Blame) -> None:
    lifecycle = serving()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_failed(2, blame, now=0.0) == [RetireWorker(1), ShowPage(2)]


@pytest.mark.parametrize("blame", Blame)
def test_failed_build_when_kept_lets_the_worker_go_on(blame: Blame) -> None:
    lifecycle = keeping()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.built_failed(2, blame, now=0.0) == [KeepWorker(1, failed=2)]
    assert lifecycle.accepts
    assert (lifecycle.restart, lifecycle.serving, lifecycle.gated_on) == (1, 1, 2)


def test_failed_build_when_nothing_good_ran_shows_the_page_though_it_would_keep() -> None:
    lifecycle = Lifecycle(keeps_on_error=True)
    lifecycle.start()

    assert lifecycle.built_failed(1, Blame.WORLD, now=0.0) == [ShowPage(1)]


def test_kept_worker_is_stale_by_the_failed_record_and_replaced_by_the_fix() -> None:
    lifecycle = keeping()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.CODE, now=0.0)

    # Its own gate tripped before it was told to go on.
    assert lifecycle.became_stale(1, now=0.0) == []
    assert lifecycle.became_stale(2, now=0.0) == [StartBuild(3)]
    assert lifecycle.built_good(3) == [RetireWorker(1), GoWorker(3, restart=2)]
    assert lifecycle.gated_on == 3


def test_kept_worker_that_dies_gives_the_page() -> None:
    lifecycle = keeping()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_failed(2, Blame.CODE, now=0.0)

    assert lifecycle.worker_died(1) == [ShowPage(2)]
    assert lifecycle.changes_settled(now=0.0) == [StartBuild(3)]


def test_kept_worker_that_dies_during_a_retry_waits_for_it() -> None:
    lifecycle = keeping()
    lifecycle.built_failed(lifecycle_build(lifecycle), Blame.WORLD, now=0.0)
    lifecycle.failure_was_met(5.0)

    assert lifecycle.worker_died(1) == []
    assert lifecycle.built_failed(3, Blame.WORLD, now=5.0) == [ShowPage(3)]


def lifecycle_build(lifecycle: Lifecycle) -> int:
    """The generation whose build a settled change begins."""
    lifecycle.changes_settled(now=0.0)
    assert lifecycle.candidate is not None
    return lifecycle.candidate


def test_failure_of_a_kept_worker_is_retried_after_a_pause() -> None:
    lifecycle = keeping()
    lifecycle.built_failed(lifecycle_build(lifecycle), Blame.WORLD, now=10.0)

    assert lifecycle.failure_was_met(11.9) == []
    assert lifecycle.failure_was_met(12.0) == [StartBuild(3, is_retry=True)]
    assert lifecycle.built_good(3) == [RetireWorker(1), GoWorker(3, restart=2)]


def test_syntax_error_of_a_kept_worker_is_not_retried() -> None:
    lifecycle = keeping()
    lifecycle.built_failed(lifecycle_build(lifecycle), Blame.SYNTAX, now=0.0)

    assert lifecycle.failure_was_met(100.0) == []


def test_request_that_waited_too_long_when_kept_is_answered_by_the_worker() -> None:
    lifecycle = keeping()
    lifecycle.became_stale(1, now=0.0)

    assert lifecycle.waited_too_long() == [KeepWorker(1, failed=2, is_final=False)]
    assert not lifecycle.someone_waits
    assert lifecycle.became_stale(2, now=0.0) == [Discard(2), StartBuild(3)]


def test_kept_worker_that_dies_while_the_build_takes_long_gives_its_page() -> None:
    lifecycle = keeping()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.waited_too_long()

    assert lifecycle.worker_died(1) == [ShowPage(2, is_final=False)]
    assert lifecycle.built_good(2) == [StandDownPages(2)]


def test_changes_when_manual_build_nothing_while_a_worker_serves() -> None:
    lifecycle = manual()

    assert lifecycle.changes_settled(now=0.0) == []
    assert lifecycle.restart_asked() == [StartBuild(2)]
    assert lifecycle.built_good(2) == [RetireWorker(1), GoWorker(2, restart=2)]


def test_build_that_changed_meanwhile_when_manual_is_repeated_for_it_was_asked_for() -> None:
    lifecycle = manual()
    lifecycle.restart_asked()

    assert lifecycle.built_changed(2, now=0.0) == [StartBuild(3)]


def test_page_when_manual_heals_by_a_change() -> None:
    lifecycle = manual()
    lifecycle.restart_asked()

    assert lifecycle.built_failed(2, Blame.CODE, now=0.0) == [RetireWorker(1), ShowPage(2)]
    assert lifecycle.changes_settled(now=0.0) == [StartBuild(3)]


def test_worker_that_dies_when_manual_is_replaced() -> None:
    assert manual().worker_died(1) == [StartBuild(2)]


def test_failure_when_manual_and_kept_is_not_retried() -> None:
    lifecycle = manual(keeps=True)
    lifecycle.restart_asked()
    lifecycle.built_failed(2, Blame.WORLD, now=0.0)

    assert lifecycle.failure_was_met(100.0) == []
    assert lifecycle.restart_asked() == [StartBuild(3)]


def test_restart_asked_replaces_a_build_that_may_hang() -> None:
    lifecycle = serving()
    lifecycle.restart_asked()

    assert lifecycle.restart_asked() == [Discard(2), StartBuild(3)]


def test_restart_asked_before_the_start_is_the_start() -> None:
    lifecycle = Lifecycle()

    assert lifecycle.restart_asked() == []
    assert lifecycle.start() == [StartBuild(1)]


def test_restart_asked_while_pages_stand_down_follows_the_one_that_goes() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_good(2)

    assert lifecycle.restart_asked() == []
    assert lifecycle.pages_stood_down(2) == [GoWorker(2, restart=1), StartBuild(3)]
    assert lifecycle.built_good(3) == [RetireWorker(2), GoWorker(3, restart=2)]


def test_restart_asked_before_the_ready_candidate_dies_is_not_forgotten() -> None:
    lifecycle = showing_page()
    lifecycle.became_stale(1, now=0.0)
    lifecycle.built_good(2)
    lifecycle.restart_asked()

    assert lifecycle.built_failed(2, Blame.CODE, now=0.0) == [ShowPage(2), StartBuild(3)]


class Session(RuleBasedStateMachine):
    """Any order of events: the world the commands describe keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.lifecycle = Lifecycle()
        self.building: set[int] = set()
        self.accepting: set[int] = set()
        self.page: int | None = None
        self.standing_down = False
        self.asked_to_stand_down: list[int] = []
        self.leaving: set[int] = set()
        self.now = 0.0
        self.keeps = self.is_manual = False
        self.has_served = False

    @initialize(keeps=st.booleans(), is_manual=st.booleans())
    def the_session_starts(self, keeps: bool, is_manual: bool) -> None:
        self.keeps, self.is_manual = keeps, is_manual
        self.lifecycle = Lifecycle(keeps_on_error=keeps, is_manual=is_manual)
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
                    self.has_served = True
                case RetireWorker():
                    self.accepting.discard(command.generation)
                    self.leaving.add(command.generation)
                case Discard():
                    self.building.remove(command.generation)
                    self.leaving.add(command.generation)
                case ShowPage():
                    self.page, self.standing_down = command.generation, False
                case KeepWorker():
                    assert self.keeps
                    assert command.generation in self.accepting, "kept and not there"
                case StandDownPages():
                    self.standing_down = True
                    self.asked_to_stand_down.append(command.generation)
                case SayStopsFirst():
                    assert self.lifecycle.stops_first

    @precondition(lambda self: self.building)
    @rule()
    def a_build_is_good(self) -> None:
        self.carry_out(self.lifecycle.built_good(self.building.pop()))

    @precondition(lambda self: self.building)
    @rule(blame=st.sampled_from(Blame))
    def a_build_fails(self, blame: Blame) -> None:
        generation = self.building.pop()
        self.leaving.add(generation)
        self.carry_out(self.lifecycle.built_failed(generation, blame, self.now))

    @precondition(lambda self: self.leaving)
    @rule()
    def a_process_exits(self) -> None:
        self.carry_out(self.lifecycle.process_exited(self.leaving.pop()))

    @rule()
    def somebody_waits_too_long(self) -> None:
        self.carry_out(self.lifecycle.waited_too_long())

    @precondition(lambda self: self.page is not None or self.lifecycle.kept_over is not None)
    @rule()
    def the_failure_is_met(self) -> None:
        self.now += 1.0
        self.carry_out(self.lifecycle.failure_was_met(self.now))

    @precondition(lambda self: self.building)
    @rule()
    def the_candidate_has_read_what_changed(self) -> None:
        self.now += 3.0
        self.carry_out(self.lifecycle.changes_settled(self.now, candidate_is_stale=True))

    @precondition(lambda self: self.building)
    @rule()
    def a_build_sees_a_change(self) -> None:
        self.now += 3.0
        generation = self.building.pop()
        self.leaving.add(generation)
        self.carry_out(self.lifecycle.built_changed(generation, self.now))

    @rule()
    def changes_settle(self) -> None:
        self.carry_out(self.lifecycle.changes_settled(self.now))

    @rule()
    def a_restart_is_asked_for(self) -> None:
        self.carry_out(self.lifecycle.restart_asked())

    @precondition(lambda self: self.page is not None or (self.accepting and not self.is_manual))
    @rule()
    def a_gate_trips(self) -> None:
        if self.lifecycle.gated_on is not None:
            self.carry_out(self.lifecycle.became_stale(self.lifecycle.gated_on, self.now))

    @precondition(lambda self: self.accepting)
    @rule()
    def a_worker_dies(self) -> None:
        self.has_served = False
        self.carry_out(self.lifecycle.worker_died(self.accepting.pop()))

    @precondition(lambda self: self.asked_to_stand_down)
    @rule()
    def pages_stand_down(self) -> None:
        """The oldest question is answered first, be it still of interest or not."""
        self.carry_out(self.lifecycle.pages_stood_down(self.asked_to_stand_down.pop(0)))

    @precondition(lambda self: self.page is not None)
    @rule()
    def pages_die(self) -> None:
        self.asked_to_stand_down.clear()
        self.carry_out(self.lifecycle.pages_died())

    @precondition(lambda self: self.lifecycle.ready is not None)
    @rule()
    def the_ready_candidate_dies(self) -> None:
        assert self.lifecycle.ready is not None
        self.carry_out(self.lifecycle.built_failed(self.lifecycle.ready, Blame.WORLD, self.now))

    @invariant()
    def at_most_one_answers(self) -> None:
        assert len(self.accepting) + (self.page is not None) <= 1

    @invariant()
    def at_most_one_build_runs(self) -> None:
        assert len(self.building) <= 1

    @invariant()
    def whoever_waits_is_waited_for_by_a_build(self) -> None:
        if self.lifecycle.someone_waits:
            assert self.building or self.lifecycle.ready is not None or self.leaving

    @invariant()
    def a_good_worker_goes_on_while_it_lives(self) -> None:
        if self.keeps and self.has_served:
            assert self.accepting

    @invariant()
    def manual_asks_nobody_to_wait_while_a_worker_serves(self) -> None:
        if self.is_manual and self.accepting:
            assert self.lifecycle.accepts


TestSession = Session.TestCase
TestSession.settings = settings(derandomize=True, max_examples=200, stateful_step_count=40)
