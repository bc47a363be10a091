"""All abuse and all load, in a process of its own: `python -m benchmarks.soak.traffic PORT S`.

Writes one JSON object when the time is over.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.prod.wrk import parse
from benchmarks.soak.abuse import EPISODE_TIMEOUT_S, KINDS, Abuse
from benchmarks.soak.client import RESET

LOAD_CYCLE_S = 10
"""Then wrk closes its connections and opens others."""

WRK_CONNECTIONS = 16

LOADS: Mapping[str, list[str]] = {
    "keep-alive": [],
    "close": ["-H", "Connection: close"],
}


@dataclass
class Tally:
    """How often what happened."""

    begun: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    load: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, kind: str, outcome: str) -> None:
        self.outcomes.setdefault(kind, Counter())[outcome] += 1


async def run(port: int, seconds: float) -> Tally:
    """Until the time is over."""
    tally = Tally()
    deadline = time.monotonic() + seconds
    tasks = [
        asyncio.create_task(repeat(abuse, port, number, tally))
        for abuse in KINDS
        for number in range(abuse.clients)
    ]
    try:
        async with asyncio.TaskGroup() as loads:
            for name, options in LOADS.items():
                loads.create_task(put_load(name, options, port, deadline, tally))
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        # Nobody ends early but by an error of ours.
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end
    return tally


async def repeat(abuse: Abuse, port: int, number: int, tally: Tally) -> None:
    # Spread over the first seconds: a burst of all of them is not what is looked at here.
    await asyncio.sleep(number % 50 * 0.1)
    while True:
        tally.begun[abuse.name] += 1
        tally.count(abuse.name, await outcome(abuse, port))
        await asyncio.sleep(abuse.pause_s)


async def outcome(abuse: Abuse, port: int) -> str:
    try:
        async with asyncio.timeout(EPISODE_TIMEOUT_S):
            return await abuse.episode(port)
    except TimeoutError:
        return "hung"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return RESET


async def put_load(name: str, options: list[str], port: int, deadline: float, tally: Tally) -> None:
    """Runs of wrk, one after the other."""
    counts = tally.load.setdefault(name, Counter())
    while (left := deadline - time.monotonic()) > 0:
        seconds = max(1, min(LOAD_CYCLE_S, round(left)))
        process = await asyncio.create_subprocess_exec(
            *("wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{seconds}s", "--latency"),
            *(*options, f"http://127.0.0.1:{port}/"),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            text, _ = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        reading = parse(text.decode())
        counts["requests"] += reading.requests
        counts["bad statuses"] += reading.bad_statuses
        counts["socket errors"] += reading.socket_errors


def main() -> None:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    tally = asyncio.run(run(port, seconds))
    told = {"begun": tally.begun, "outcomes": tally.outcomes, "load": tally.load}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
