"""A real server of the comparison, each scenario asked for, and nothing of it left."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.prod.memory import memory_of, processor_seconds
from benchmarks.prod.parts import read, request_bytes, write
from benchmarks.prod.peers import Peer, wiverno_peer
from benchmarks.prod.run import SERVER_PROCESSOR
from benchmarks.prod.scenarios import SCENARIOS, WAIT_S, Scenario
from benchmarks.prod.served import application
from benchmarks.prod.server import DidNotStartError, Server, WrongAnswerError
from wiverno.core.server.request_reader import RequestReader
from wiverno.core.server.settings import ServerSettings

PROGRAMS = Path(sys.executable).parent

on_first_processor = pytest.mark.skipif(
    SERVER_PROCESSOR not in os.sched_getaffinity(0), reason="the first processor is not ours"
)


@pytest.mark.processes
@on_first_processor
def test_server_gives_the_answer_of_every_scenario_and_is_gone_after(tmp_path: Path) -> None:
    server = Server(wiverno_peer(""), tmp_path / "log", PROGRAMS, SERVER_PROCESSOR)
    with server:
        for scenario in SCENARIOS:
            server.check(scenario)
        with pytest.raises(WrongAnswerError, match="hello: 200"):
            server.check(replace(SCENARIOS[0], answer=b"something else"))
        pids = server.pids
        memory = memory_of(pids)
        user_s, system_s = processor_seconds(pids)

    assert memory.rss_kb >= memory.pss_kb > 1024
    assert user_s + system_s > 0
    assert not server.pids
    assert memory_of(pids).rss_kb == 0


@pytest.mark.processes
@on_first_processor
def test_server_that_ends_at_start_tells_what_it_wrote(tmp_path: Path) -> None:
    peer = Peer("none", "none", "{python} -c 'raise SystemExit(\"no such port: {port}\")'")

    with (
        pytest.raises(DidNotStartError, match="no such port"),
        Server(peer, tmp_path / "log", PROGRAMS, SERVER_PROCESSOR),
    ):
        pass


def test_options_are_those_that_the_command_line_offers() -> None:
    assert "--threads" not in wiverno_peer("").command
    assert "--threads 8" in wiverno_peer("  --threads INTEGER").command
    assert "--no-access-log" in wiverno_peer("  --access-log / --no-access-log").command


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_parts_take_the_request_of_every_scenario(scenario: Scenario) -> None:
    settings = ServerSettings()

    head, body = read(RequestReader(settings.limits), request_bytes(scenario), settings)

    assert (head.path, body.size_bytes) == (scenario.path, scenario.body_bytes)
    assert write(scenario).endswith(b"\r\n\r\n" + scenario.answer)


def test_application_waits_as_long_as_the_ideal_says() -> None:
    assert application.WAIT_S == WAIT_S
