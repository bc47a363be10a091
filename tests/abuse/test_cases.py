"""Each case of bytes against a running server."""

import logging
from collections.abc import Iterator

import pytest

from tests.abuse.case import Case, Expected, Refused, Served
from tests.abuse.cases import CASES
from tests.abuse.stage import Play, Stage
from tests.abuse.wire import Answer

_ALL = [pytest.param(case, id=case.name) for cases in CASES.values() for case in cases]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One server for all: what a case does to it must not show in the next one."""
    running = Stage()
    yield running
    running.stop()


@pytest.mark.parametrize("case", _ALL)
def test_server_when_sent_a_case_does_what_its_source_says(
    case: Case, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wiverno.core.server")
    play = stage.play(case)

    if isinstance(case.outcome, Refused):
        _assert_refused(play, case.outcome)
    else:
        _assert_served(play, case.outcome)
        assert case.outcome.logged in caplog.text
    assert "server itself" not in caplog.text


def _assert_refused(play: Play, expected: Refused) -> None:
    assert play.calls == []
    assert not play.is_followed_up
    assert play.interim == 0
    assert [each.status for each in play.answers] == ([expected.status] if expected.status else [])
    for answer in play.answers:
        assert answer.is_whole
        assert answer.headers["connection"] == "close"


def _assert_served(play: Play, expected: Served) -> None:
    assert len(play.answers) == len(expected.answers), play.answers
    for answer, each in zip(play.answers, expected.answers, strict=True):
        _assert_answer(answer, each)
    assert play.is_followed_up is not expected.then_closed
    assert play.interim == expected.interim
    call = play.calls[0]
    assert {key: call.environ.get(key) for key in expected.environ} == expected.environ
    if expected.body is not None:
        assert call.body == expected.body


def _assert_answer(answer: Answer, expected: Expected) -> None:
    assert (answer.status, answer.is_whole) == (expected.status, expected.is_whole)
    assert {name: answer.headers.get(name) for name in expected.headers} == expected.headers
    if expected.body is not None:
        assert answer.body == expected.body
