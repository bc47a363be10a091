"""A save at any moment of a build is never lost: not in the first build, not in a rebuild."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import Answer, DevSession, Event

pytestmark = pytest.mark.processes

# In steps of 10 ms, in three parts of half a second.
OFFSETS_MS = {
    "from 0 ms": range(0, 500, 10),
    "from 500 ms": range(500, 1000, 10),
    "from 1000 ms": range(1000, 1510, 10),
}
# At the start of the interpreter, in the import, at its end, and after it.
SAMPLE_MS = (0, 20, 50, 90, 400, 800, 1040, 1060, 1080, 1100, 1150, 1400)
# An import here only waits.
SESSIONS_AT_ONCE = 4

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

# The second after which `late` is read is of the start-up, which is a part of the build.
ASGI_APP = """\
import asyncio
import early
late = None


async def app(scope, receive, send):
    global late
    if scope["type"] == "lifespan":
        await receive()
        await asyncio.sleep(1.0)
        import late
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = f"{early.VERSION} {late.VERSION}".encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""

Sweep = Callable[[Path, Sequence[int], str], None]


def save(session: DevSession, version: int) -> None:
    """Both, the one that the build has read and the one that it has not."""
    session.save("early.py", f"VERSION = {version}\n")
    session.save("late.py", f"VERSION = {version}\n")


def session_in(project: Path, app: str, *options: str) -> DevSession:
    project.mkdir(parents=True)
    session = DevSession(project, "app:app", *options)
    session.save("app.py", app)
    save(session, 1)
    return session


def begin_of_build(session: DevSession, seen: int) -> float:
    """When the next build after so many events began; monotonic, in seconds."""

    def find() -> Event | None:
        builds = (event for event in session.events[seen:] if event["event"] == "build_started")
        return next(builds, None)

    at_s: float = session.wait_until(find, "a build")["at_s"]
    return at_s


def wait_for_offset(begun_at: float, offset_ms: int) -> None:
    threading.Event().wait(max(0.0, begun_at + offset_ms / 1000 - time.monotonic()))


def save_into_the_build(session: DevSession, seen: int, offset_ms: int, version: int) -> None:
    """Ask, save when the build is `offset_ms` old, ask again. `version - 1` is being built."""
    with ThreadPoolExecutor() as pool:
        before: Future[Answer] = pool.submit(session.get)
        wait_for_offset(begin_of_build(session, seen), offset_ms)
        save(session, version)
        after = pool.submit(session.get)

        assert after.result(15).body == f"{version} {version}", offset_ms
        # Each of these stood on disk after it was sent; an old `early` with a new `late` never.
        old, new = version - 1, version
        allowed = {f"{old} {old}", f"{new} {old}", f"{new} {new}"}
        assert before.result(15).body in allowed, offset_ms


def sweep_first_builds(folder: Path, offsets_ms: Sequence[int], app: str) -> None:
    for offset_ms in offsets_ms:
        with session_in(folder / f"{offset_ms}", app) as session:
            save_into_the_build(session, 0, offset_ms, version=2)


def sweep_rebuilds(folder: Path, offsets_ms: Sequence[int], app: str) -> None:
    version = 1
    with session_in(folder / "rebuilds", app) as session:
        session.wait_until_serving()
        for offset_ms in offsets_ms:
            seen = len(session.events)
            save(session, version + 1)
            save_into_the_build(session, seen, offset_ms, version + 2)
            version += 2
            assert session.get().body == f"{version} {version}", offset_ms


def sweep_rebuilds_that_nobody_asks_for(folder: Path, offsets_ms: Sequence[int], app: str) -> None:
    """No request's gate helps: the saves during a build are all that tells."""
    version = 1
    folder.mkdir(parents=True)
    imported = folder / "imported"
    note = f"open({str(imported)!r}, 'a').write(f'{{os.getpid()}}: {{early.VERSION}} "
    with session_in(folder / "unasked", app, "--debounce", "0.05") as session:
        session.save("app.py", f"import os\n{app}\n{note}{{late.VERSION}}\\n')\n")
        for offset_ms in offsets_ms:
            seen = len(session.events)
            version += 2
            save(session, version - 1)
            wait_for_offset(begin_of_build(session, seen), offset_ms)
            save(session, version)
            wait_until_served(session, imported, f"{version} {version}")


def wait_until_served(session: DevSession, imported: Path, versions: str) -> None:
    """Until the process that serves is one that imported these."""

    def find() -> Event | None:
        serving = [event for event in session.events if event["event"] == "serving"]
        notes = imported.read_text().splitlines() if imported.exists() else []
        is_there = serving and f"{serving[-1]['pid']}: {versions}" in notes
        return serving[-1] if is_there else None

    session.wait_until(find, f"a worker with {versions}")


SWEEPS: dict[str, Sweep] = {
    "first build": sweep_first_builds,
    "rebuild": sweep_rebuilds,
    "rebuild that nobody asks for": sweep_rebuilds_that_nobody_asks_for,
}
sweeps = pytest.mark.parametrize("build", SWEEPS)


def sweep_all(tmp_path: Path, build: str, offsets_ms: Sequence[int], app: str = APP) -> None:
    with ThreadPoolExecutor(SESSIONS_AT_ONCE) as pool:
        running = [
            pool.submit(
                SWEEPS[build], tmp_path / f"{number}", offsets_ms[number::SESSIONS_AT_ONCE], app
            )
            for number in range(SESSIONS_AT_ONCE)
        ]
    for sweep in running:
        sweep.result()
    # Kept with the result of `make test-thorough`.
    first, last = min(offsets_ms), max(offsets_ms)
    sys.stdout.write(f"{build}: {len(offsets_ms)} saves, {first}-{last} ms into it, none lost\n")


@sweeps
def test_save_into_a_build_is_not_lost(tmp_path: Path, build: str) -> None:
    sweep_all(tmp_path, build, SAMPLE_MS)


@pytest.mark.parametrize("strategy", ["spawn"], indirect=True)
def test_save_into_a_rebuild_without_templates_is_not_lost(tmp_path: Path) -> None:
    sweep_all(tmp_path, "rebuild", SAMPLE_MS[::3])


@pytest.mark.both_strategies
def test_save_into_the_start_up_of_an_asgi_application_is_not_lost(tmp_path: Path) -> None:
    sweep_all(tmp_path, "rebuild", SAMPLE_MS[::3], ASGI_APP)


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", OFFSETS_MS)
@pytest.mark.parametrize("build", ["first build", "rebuild"])
def test_save_at_every_offset_into_the_start_up_of_an_asgi_application_is_not_lost(
    tmp_path: Path, build: str, part: str
) -> None:
    sweep_all(tmp_path, build, OFFSETS_MS[part], ASGI_APP)


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", OFFSETS_MS)
@sweeps
def test_save_at_every_offset_into_a_build_is_not_lost(
    tmp_path: Path, build: str, part: str
) -> None:
    sweep_all(tmp_path, build, OFFSETS_MS[part])
