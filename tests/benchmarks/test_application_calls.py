"""The applications that are compared, each asked for everything, and one round of them."""

import importlib
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.application.calls import (
    Application,
    Environ,
    WrongAnswerError,
    calls_for,
    check,
    environ_for,
    environs_for,
    time_calls,
)
from benchmarks.application.one_round import Task
from benchmarks.application.peers import PEERS
from benchmarks.application.run import RoundFailedError, ask_round
from benchmarks.application.scenarios import ASKED, MANY, SCENARIOS, Scenario
from benchmarks.application.served import with_raw

HTML = next(scenario for scenario in SCENARIOS if scenario.name == "html")


def application(peer: str, scenario: Scenario) -> Application:
    module: Any = importlib.import_module(f"benchmarks.application.served.with_{peer}")
    made: Application = module.make(scenario)
    return made


def is_asked(route: str, scenario: Scenario) -> bool:
    filled = route.replace("{id:int}", "42").replace("{name}", "anna")
    return filled in scenario.paths


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("peer", [peer.name for peer in PEERS])
def test_application_of_every_peer_gives_the_answer(peer: str, scenario: Scenario) -> None:
    # Bottle compiles all the routes that it has for each one that is added.
    few = replace(
        scenario,
        routes=tuple(
            route
            for number, route in enumerate(scenario.routes)
            if number < 5 or is_asked(route, scenario)
        ),
    )
    check(application(peer, few), few)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"status": 404}, "200 OK"),
        ({"paths": ("/other",)}, "404"),
    ],
)
def test_answer_other_than_that_of_all_is_told(changed: dict[str, Any], told: str) -> None:
    bottle = application("bottle", HTML)

    with pytest.raises(WrongAnswerError, match=told):
        check(bottle, replace(HTML, **changed))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Content-Type", "text/plain"), ("Content-Length", "5")], b"hello"),
        ([("Content-Type", "text/html; charset=utf-8")], b"hello"),
        ([("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "4")], b"hello"),
        ([("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "5")], b"hullo"),
    ],
)
def test_answer_with_another_type_length_or_body_is_told(
    headers: list[tuple[str, str]], body: bytes
) -> None:
    def wrong(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return [body]

    with pytest.raises(WrongAnswerError):
        check(wrong, HTML)


def test_scenarios_ask_for_what_they_promise() -> None:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}

    assert len(by_name) == len(SCENARIOS)
    for name in ("static-last", "dynamic-first", "dynamic-last", "shapes"):
        assert len(set(by_name[name].routes)) == MANY
    shapes = by_name["shapes"]
    asked = [route for route in shapes.routes if is_asked(route, shapes)]
    assert len(asked) == ASKED
    assert (asked[0], asked[-1]) == (shapes.routes[0], shapes.routes[-1])
    assert len({shapes.routes.index(route) % 4 for route in asked}) == 4


def test_calls_get_a_copy_of_each_environ_in_turn_and_close_the_body() -> None:
    seen: list[str] = []
    closed: list[bool] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        seen.append(environ.pop("PATH_INFO"))
        start_response("200 OK", [])
        return Body([b"x"])

    assert time_calls(application, [environ_for("/a"), environ_for("/b")], 5) > 0
    assert seen == list(itertools.islice(itertools.cycle(["/a", "/b"]), 5))
    assert len(closed) == 5


def test_calls_for_a_time_are_whole_turns() -> None:
    scenario = next(each for each in SCENARIOS if each.name == "shapes")
    calls = calls_for(with_raw.make(scenario), environs_for(scenario), 0.001)

    assert calls >= ASKED
    assert calls % ASKED == 0


@pytest.mark.processes
def test_round_measures_everybody_in_a_process_of_its_own() -> None:
    told = ask_round(Path(sys.executable), Task(3, ["raw", "bottle"], ["html", "404"], 2, 0.001))

    assert [(each["scenario"], each["peer"], each["round"]) for each in told["readings"]] == [
        (scenario, peer, 3) for scenario in ("html", "404") for peer in ("raw", "bottle")
    ]
    assert all(0 < float(str(each["us"])) < 10_000 for each in told["readings"])
    assert told["absent"] == []
    assert told["compiled"] == []


@pytest.mark.processes
def test_round_that_fails_tells_why(tmp_path: Path) -> None:
    with pytest.raises(RoundFailedError, match="with_nobody"):
        ask_round(Path(sys.executable), Task(1, ["nobody"], ["html"], 1, 0.001))


def test_json_answers_count_by_their_value() -> None:
    scenario = next(each for each in SCENARIOS if each.name == "json")

    def compact(environ: Environ, start_response: Any) -> list[bytes]:
        body = json.dumps(json.loads(scenario.answer("/")), separators=(",", ":")).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    check(compact, scenario)
