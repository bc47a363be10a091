"""The scenarios, each on one running server and for one save."""

import threading
import time
from collections.abc import Iterator

from benchmarks.processes import pause
from benchmarks.reload.client import REQUEST_TIMEOUT_S
from benchmarks.reload.freshness import Attempt, Kind, count, judge
from benchmarks.reload.results import BrokenSave, PolledSave, SameSecond, Save
from benchmarks.reload.server import Server

FRESH_TIMEOUT_S = 10.0
"""Without a fresh answer in that time the save was missed."""

POLL_S = 0.002
"""Between two requests while the answer is not fresh. What it adds falls on the peers."""

CLIENTS = 2
BROKEN_SOURCE = "\n\ndef broken(:\n"
BROKEN_ASKS = 5
BROKEN_ASK_TIMEOUT_S = 3.0
ENDED_TIMEOUT_S = 2.0


def measure_save(server: Server, round_: int) -> Save:
    was_restarted = server.restart_if_ended()
    server.wait_until_quiet()
    saved_at = server.save_next()
    first = server.ask()
    last, kinds = ask_until_fresh(server, saved_at, first)
    server.rest()
    return Save(
        server.project.name,
        server.peer.name,
        round_,
        kinds[0].value,
        milliseconds(saved_at, first),
        milliseconds(saved_at, last) if kinds[-1] is Kind.FRESH else None,
        count(kinds),
        was_restarted,
    )


def ask_until_fresh(
    server: Server,
    saved_at: float,
    first: Attempt | None = None,
    timeout_s: float = FRESH_TIMEOUT_S,
) -> tuple[Attempt, list[Kind]]:
    """The last attempt and what all of them got; the last is fresh, or the time is over."""
    deadline = saved_at + timeout_s
    attempt = first or server.ask(timeout_s)
    kinds = [judge(attempt, server.version)]
    while kinds[-1] is not Kind.FRESH and (left := deadline - time.perf_counter()) > 0:
        pause(POLL_S)
        attempt = server.ask(min(REQUEST_TIMEOUT_S, left))
        kinds.append(judge(attempt, server.version))
    return attempt, kinds


def milliseconds(saved_at: float, attempt: Attempt) -> float:
    return round((attempt.first_byte_at - saved_at) * 1000, 3)


def measure_polled_save(server: Server, round_: int) -> PolledSave:
    """Two clients ask one request after the other, from before the save until after the swap."""
    server.restart_if_ended()
    server.wait_until_quiet()
    saved = threading.Event()
    done = threading.Event()
    kinds: list[Kind] = []

    def poll() -> None:
        while not done.is_set():
            counts = saved.is_set()
            kind = judge(server.ask(), server.version)
            # What was sent before the save may have got either version.
            if counts:
                kinds.append(kind)
            pause(POLL_S)

    clients = [threading.Thread(target=poll) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        saved_at = server.save_next()
        saved.set()
        last, own_kinds = ask_until_fresh(server, saved_at)
        # Servers that swap their processes cut connections a little later, too.
        pause(0.3)
    finally:
        done.set()
        for client in clients:
            client.join()
    server.rest()
    return PolledSave(
        server.project.name,
        server.peer.name,
        round_,
        count([*kinds, *own_kinds]),
        milliseconds(saved_at, last) if own_kinds[-1] is Kind.FRESH else None,
    )


def measure_broken_save(server: Server, round_: int) -> BrokenSave:
    server.restart_if_ended()
    server.wait_until_quiet()
    server.save(server.project.text(server.version) + BROKEN_SOURCE)
    attempts = list(ask_broken(server))
    # An application that answers shows a version from before the broken one.
    answers = [judge(attempt, server.version + 1).value for attempt in attempts]
    has_ended = not server.is_running
    saved_at = server.save_next()
    # Nobody is left to notice the repair of a server that ended, unless a child of it is.
    timeout_s = ENDED_TIMEOUT_S if has_ended else FRESH_TIMEOUT_S
    last, kinds = ask_until_fresh(server, saved_at, timeout_s=timeout_s)
    server.rest()
    return BrokenSave(
        server.project.name,
        server.peer.name,
        round_,
        answers,
        any("SyntaxError" in attempt.body for attempt in attempts),
        has_ended,
        milliseconds(saved_at, last) if kinds[-1] is Kind.FRESH else None,
    )


def ask_broken(server: Server) -> Iterator[Attempt]:
    """One request right after the save and one every half second."""
    for _ in range(BROKEN_ASKS):
        yield server.ask(BROKEN_ASK_TIMEOUT_S)
        pause(0.5)


def measure_same_second(server: Server, round_: int) -> SameSecond:
    """The first save at the start of a second; the second as soon as the first was served."""
    server.restart_if_ended()
    server.wait_until_quiet()
    pause(1 - time.time() % 1)
    saved_at = server.save_next()
    second_of_first = int(server.edited.stat().st_mtime)
    _, kinds = ask_until_fresh(server, saved_at, timeout_s=0.8)
    saved_at = server.save_next()
    second_of_second = int(server.edited.stat().st_mtime)
    last, later_kinds = ask_until_fresh(server, saved_at)
    server.rest()
    return SameSecond(
        server.project.name,
        server.peer.name,
        round_,
        second_of_first == second_of_second,
        kinds[-1] is Kind.FRESH,
        milliseconds(saved_at, last) if later_kinds[-1] is Kind.FRESH else None,
    )
