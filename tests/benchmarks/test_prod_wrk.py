"""What wrk writes is read whole, or refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.prod.scenarios import SCENARIOS, Scenario
from benchmarks.prod.wrk import Reading, WrkError, parse, wrk_command
from tests.benchmarks.prod_sample import WRK_TEXT, WRK_TEXT_WITH_ERRORS


def test_output_without_errors_is_read() -> None:
    assert parse(WRK_TEXT) == Reading(21982, 1.1, 1.31, 1020.0, 0, 0)


def test_errors_of_all_kinds_are_counted() -> None:
    assert parse(WRK_TEXT_WITH_ERRORS) == replace(
        parse(WRK_TEXT), bad_statuses=982, socket_errors=4321
    )


@pytest.mark.parametrize(
    ("written", "read_ms"), [("950.00us", 0.95), ("1.31ms", 1.31), ("2.50s", 2500), ("1.00m", 6e4)]
)
def test_times_of_every_unit_are_milliseconds(written: str, read_ms: float) -> None:
    assert parse(WRK_TEXT.replace("1.31ms", written)).p50_ms == read_ms


@pytest.mark.parametrize("text", ["", "unable to connect", WRK_TEXT.replace("99%", "98%")])
def test_anything_else_is_refused_with_what_was_written(text: str) -> None:
    with pytest.raises(WrkError, match="wrk"):
        parse(text)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_command_asks_for_the_scenario(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrk").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    command = wrk_command(8000, scenario, 5, tmp_path)

    assert command[-1] == f"http://127.0.0.1:8000{scenario.path}"
    assert {"-t1", "-c32", "-d5s", "--latency"} < set(command)
    assert command.count("-H") == len(scenario.headers)
    assert ("-s" in command) == bool(scenario.body_bytes)


def test_command_without_wrk_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(WrkError, match="apt-get install wrk"):
        wrk_command(8000, SCENARIOS[0], 5, tmp_path)
