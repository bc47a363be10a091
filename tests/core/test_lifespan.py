"""Lifespan: hooks run once in a process, in order, and whatever fails."""

import os
import subprocess
import sys
import threading

import pytest

from wiverno.core.lifespan import Lifespan, lifespan_of


def _telling(lifespan: Lifespan, told: list[str], name: str) -> None:
    lifespan.on_startup(lambda: told.append(f"{name} up"))
    lifespan.on_shutdown(lambda: told.append(f"{name} down"))


def test_hooks_when_called_twice_run_once_and_the_last_ends_first() -> None:
    lifespan, told = Lifespan(), list[str]()
    _telling(lifespan, told, "a")
    _telling(lifespan, told, "b")

    for _ in range(2):
        lifespan.startup()
    assert lifespan.is_started
    for _ in range(2):
        lifespan.shutdown()

    assert told == ["a up", "b up", "b down", "a down"]
    assert not lifespan.is_started


def test_part_when_included_starts_before_and_ends_after() -> None:
    whole, part, told = Lifespan(), Lifespan(), list[str]()
    _telling(whole, told, "whole")
    _telling(part, told, "part")
    whole.include(part)

    whole.startup()
    whole.shutdown()

    assert told == ["part up", "whole up", "whole down", "part down"]


def test_startup_when_a_hook_fails_ends_what_was_started_and_raises() -> None:
    lifespan, told = Lifespan(), list[str]()
    _telling(lifespan, told, "a")

    @lifespan.on_startup
    def fail() -> None:
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        lifespan.startup()

    assert told == ["a up", "a down"]
    assert not lifespan.is_started


def test_shutdown_when_a_hook_fails_logs_it_and_runs_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lifespan, told = Lifespan(), list[str]()
    _telling(lifespan, told, "a")

    @lifespan.on_shutdown
    def fail() -> None:
        raise ValueError("closed twice")

    lifespan.startup()
    lifespan.shutdown()

    assert told == ["a up", "a down"]
    assert "closed twice" in caplog.text


def test_startup_when_many_threads_ask_runs_once_before_any_goes_on() -> None:
    lifespan = Lifespan()
    started, seen = list[int](), list[int]()
    gate = threading.Barrier(8)

    @lifespan.on_startup
    def start() -> None:
        started.append(1)

    def ask() -> None:
        gate.wait(10)
        lifespan.startup()
        seen.append(len(started))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert seen == [1] * 8


def test_lifespan_when_a_hook_still_runs_is_not_started() -> None:
    lifespan = Lifespan()
    has_begun, may_end = threading.Event(), threading.Event()
    waited: list[bool] = []

    @lifespan.on_startup
    def start() -> None:
        has_begun.set()
        waited.append(may_end.wait(10))

    # As a server with threads does it: whoever comes first starts the application.
    first = threading.Thread(target=lifespan.startup)
    first.start()
    assert has_begun.wait(10)
    is_started = lifespan.is_started
    may_end.set()
    first.join(10)

    assert not is_started
    assert lifespan.is_started
    assert waited == [True]


def test_startup_when_asked_for_by_its_own_hook_goes_on() -> None:
    lifespan, told = Lifespan(), list[str]()

    @lifespan.on_startup
    def warm_up() -> None:
        told.append("up")
        lifespan.startup()  # As a request does that the hook makes.

    lifespan.startup()

    assert told == ["up"]
    assert lifespan.is_started


def test_lifespan_when_forked_begins_anew() -> None:
    lifespan, told = Lifespan(), list[str]()
    _telling(lifespan, told, "a")
    lifespan.startup()

    pid = os.fork()  # noqa: TID251 - what a preloading server does.
    if pid == 0:
        os._exit(lifespan.is_started)
    _, status = os.waitpid(pid, 0)
    lifespan.shutdown()

    assert status == 0
    assert told == ["a up", "a down"]


def test_process_when_it_ends_has_run_the_shutdown() -> None:
    program = (
        "from wiverno.core.lifespan import Lifespan\n"
        "lifespan = Lifespan()\n"
        "lifespan.on_shutdown(lambda: print('down'))\n"
        "lifespan.startup()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout == "down\n"


def test_lifespan_of_when_there_is_none_or_another_thing_is_none() -> None:
    class Application:
        lifespan = "a life"

    class Proxy:
        @property
        def lifespan(self) -> object:
            raise RuntimeError("outside of a request")

    assert lifespan_of(Application()) is None
    assert lifespan_of(Proxy()) is None
    assert lifespan_of(object()) is None
