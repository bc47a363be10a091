"""A save at any moment of a build is never lost: not in the first build, not in a rebuild."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import Answer, DevSession

pytestmark = pytest.mark.processes

OFFSETS_MS = tuple(range(0, 1600, 100))
# One of each third of the import, and one after it.
SAMPLE_MS = (0, 400, 900, 1200)

# `early` is read at the start of an import that takes one second, `late` at its end.
APP = """\
import early
import threading
threading.Event().wait(1.0)
import late


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{early.VERSION} {late.VERSION}".encode()]
"""


def save(session: DevSession, version: int) -> None:
    """Both, the one that the build has read and the one that it has not."""
    session.save("early.py", f"VERSION = {version}\n")
    session.save("late.py", f"VERSION = {version}\n")


def save_into_the_build(session: DevSession, generation: int, offset_ms: int, version: int) -> None:
    """Ask, save when the build of `generation` is `offset_ms` old, ask again."""
    started = session.wait_for("build_started", generation=generation)["at_s"]
    with ThreadPoolExecutor() as pool:
        before: Future[Answer] = pool.submit(session.get)
        threading.Event().wait(max(0.0, started + offset_ms / 1000 - time.monotonic()))
        save(session, version)
        after = pool.submit(session.get)

        assert after.result(15).body == f"{version} {version}"
        assert before.result(15).status == 200


def run_at(project: Path, offset_ms: int) -> None:
    session = DevSession(project)
    (project / "app.py").write_text(APP)
    save(session, 1)
    with session:
        save_into_the_build(session, 1, offset_ms, version=2)

        generation = 1 + session.count("build_started")
        save(session, 3)
        with ThreadPoolExecutor() as pool:
            trigger = pool.submit(session.get)
            save_into_the_build(session, generation, offset_ms, version=4)
            assert trigger.result(15).status == 200
        assert session.get().body == "4 4"


@pytest.mark.parametrize("offset_ms", SAMPLE_MS)
def test_save_into_a_build_is_not_lost(project: Path, offset_ms: int) -> None:
    run_at(project, offset_ms)


@pytest.mark.thorough
@pytest.mark.parametrize("offset_ms", OFFSETS_MS)
def test_save_at_every_offset_into_a_build_is_not_lost(project: Path, offset_ms: int) -> None:
    run_at(project, offset_ms)
