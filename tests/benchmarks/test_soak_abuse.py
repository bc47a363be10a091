"""The abusers against a real server: those that end soon, and a whole soak where wrk is."""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.soak.abuse import KINDS, MALFORMED, REFUSED, Abuse
from benchmarks.soak.client import Client, outcome_of
from benchmarks.soak.normal import NormalClient
from benchmarks.soak.run import SoakSettings, run, served
from benchmarks.soak.traffic import outcome

pytestmark = pytest.mark.processes

SLOW = {
    *("idle connections", "idle after an answer", "dripping heads", "dripping bodies"),
    *("slow readers", "slow readers of streams", "readers of nothing"),
}
QUICK = [kind for kind in KINDS if kind.name not in SLOW]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("soak") / "log", "") as (_, port):
        yield port


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.name)
def test_abuse_that_ends_soon_ends_as_it_has_to(kind: Abuse, port: int) -> None:
    assert asyncio.run(outcome(kind, port)) in kind.right


@pytest.mark.parametrize("request_", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_request_is_refused(request_: bytes, port: int) -> None:
    async def send() -> str:
        async with Client(port) as client:
            await client.send(request_)
            return outcome_of(await client.receive_all())

    assert asyncio.run(send()) in REFUSED


def test_normal_client_asks_on_new_and_kept_connections(port: int) -> None:
    client = NormalClient(port)
    for _ in range(6):
        client.ask()
    client.close()

    assert (len(client.times_s), client.failures) == (6, [])
    assert client.worst_s == max(client.times_s) >= client.percentile_s(99) >= client.median_s


def test_normal_client_tells_what_was_wrong(tmp_path: Path) -> None:
    with served(tmp_path / "log", "stall") as (process, port):
        client = NormalClient(port)
        process.terminate()
        process.wait(10)
        client.ask()
        client.close()

    assert "ConnectionRefusedError" in client.failures[0]


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.thorough
def test_soak_finds_the_sabotage_it_is_given(tmp_path: Path) -> None:
    output = tmp_path / "soak.json"

    judged = run(SoakSettings(10, output, "descriptors"))

    told = json.loads(output.read_text())
    assert "descriptors at rest after the last client as before the first" in {
        verdict.rule for verdict in judged if not verdict.holds
    }
    assert told["holds"] is False
    assert told["samples"]
    assert told["about"]["versions"]["python"] == sys.version.split()[0]
