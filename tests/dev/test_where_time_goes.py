"""What a session tells of its restarts: level, phases, snapshots, and what stands in the way."""

import sys
from pathlib import Path

import pytest

from tests.dev.harness import DevSession

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks only on Linux"),
]

APP = """\
import first
import second
import late

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [late.VERSION.encode()]
"""
WAITS = "import threading\nthreading.Event().wait(0.1)\n"
THREAD = "threading.Thread(target=threading.Event().wait, name='poller', daemon=True).start()\n"
FORK_PHASES = {"waited", "fork", "import", "verify", "go"}


def session_in(
    project: Path, *options: str, strategy: str = "fork", second: str = WAITS
) -> DevSession:
    session = DevSession(project, "app:app", "--reload-strategy", strategy, *options)
    session.save("app.py", APP)
    session.save("first.py", WAITS)
    session.save("second.py", second)
    session.save("late.py", "VERSION = '1'\n")
    return session


def edit_late(session: DevSession, version: int) -> None:
    session.save("late.py", f"VERSION = '{version}'\n")
    assert session.get().body == f"{version}"


def test_verbose_session_names_level_phases_and_snapshots(project: Path) -> None:
    with session_in(project, "--verbose") as session:
        session.wait_until_serving()
        edit_late(session, 2)
        serving = session.wait_until_serving(restart=2)
        output = session.output

    assert serving["level"] == "snapshot"
    assert set(serving["phases_ms"]) == FORK_PHASES
    assert " from a bare template\n  fork " in output
    assert " ms from a snapshot · late.py\n  waited " in output
    for event in session.events:
        if event["event"] == "snapshot_taken":
            path = Path(event["path"]).name
            assert f"{path} is imported, saves " in output or f"imports of {path}, " in output


def test_build_takes_more_than_one_snapshot(project: Path) -> None:
    """What the first of them leaves open in the process is ours, and refuses no other."""
    with session_in(project) as session:
        session.wait_until_serving()

        assert session.count("snapshot_taken", generation=1) >= 2
        assert session.count("snapshot_refused") == 0


def test_session_that_is_not_verbose_has_one_short_line(project: Path) -> None:
    with session_in(project) as session:
        session.wait_until_serving()
        edit_late(session, 2)
        output = session.output

    assert " ms from a snapshot · late.py\n" in output
    assert "waited " not in output
    assert "  snapshot " not in output


def test_refusal_is_told_once_with_place_and_cost(project: Path) -> None:
    with session_in(project, second=WAITS + THREAD) as session:
        session.wait_until_serving()
        for version in (2, 3):
            edit_late(session, version)
        refused = session.wait_for("snapshot_refused")
        output = session.output

    assert refused["reason"] == "a Python thread runs (poller of threading)"
    assert Path(refused["path"]).name == "late.py"
    (line,) = [line for line in output.splitlines() if "poller" in line]
    start = "a Python thread runs (poller of threading) before late.py is imported: restarts take "
    assert line.startswith(start)
    assert line.endswith(" ms.")


def test_session_that_spawns_names_the_interpreter(project: Path) -> None:
    with session_in(project, "-v", strategy="spawn") as session:
        session.wait_until_serving()
        output = session.output

    assert " in a new interpreter\n  interpreter " in output
