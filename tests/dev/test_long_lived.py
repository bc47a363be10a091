"""What does not end by itself: connections, threads and processes of a worker that is replaced.

The next request is fresh at once, and of the old worker nothing is left at its deadline.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, get, processes_with, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

# Beside the build itself, which depends on the machine.
FRESH_WITHIN_S = 0.5
DEBOUNCE_S = 1.0
# The defaults: for threads and atexit handlers, then SIGKILL; for requests before that.
LEAVE_S = 2.0 + 0.2
RETIRE_S = 10.0 + LEAVE_S
STOP_S = 2.0
MARGIN_S = 1.0

# Beside the project: a file in it would be a change.
APP = """
import pathlib

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] != "/hold":
        return [b"old"]
    pathlib.Path("../began").touch()
    return hold()
"""
STREAM = """
import threading
def hold():
    try:
        while True:
            yield b"tick"
            threading.Event().wait(0.05)
    finally:
        pathlib.Path("../finally").touch()
"""
SILENT_STREAM = """
import threading
def hold():
    yield b"tick"
    threading.Event().wait(60)
    yield b"late"
"""
LONG_POLL = """
import threading
def hold():
    threading.Event().wait(60)
    return [b"late"]
"""
# A C function that neither lets go of the GIL nor looks for signals.
NATIVE_LOOP = """
import itertools
def hold():
    return [b"%d" % sum(itertools.repeat(0))]
"""
ASGI = """
import asyncio, pathlib

async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/hold":
        pathlib.Path("../began").touch()
        await hold()
    await send({"type": "http.response.start", "status": 200})
    try:
        while scope["path"] == "/hold":
            await send({"type": "http.response.body", "body": b"tick", "more_body": True})
            await asyncio.sleep(0.05)
    finally:
        pathlib.Path("../finally").touch()
    await send({"type": "http.response.body", "body": b"old"})
"""
ASGI_STREAM = """
async def hold():
    pass
"""
ASGI_LONG_POLL = """
async def hold():
    await asyncio.sleep(60)
"""
NEXT_ASGI = ASGI.replace("old", "000002")
BLOCKED_LOOP = """
async def hold():
    while True:
        pass
"""
THREAD = """
import atexit, pathlib, threading
atexit.register(pathlib.Path("../atexit").touch)
threading.Thread(target=threading.Event().wait, args=(60,)).start()
"""
TIMER = """
import pathlib, threading
threading.Timer(60, pathlib.Path("../fired").touch).start()
"""
EXECUTOR = """
import threading
from concurrent.futures import ThreadPoolExecutor
executor = ThreadPoolExecutor(2)
executor.submit(threading.Event().wait, 60)
"""
IGNORING = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
"""
POOL = """
import multiprocessing, subprocess, threading
context = multiprocessing.get_context("fork")
pool = context.Pool(2)
pool.apply(pow, (2, 3))
context.Process(target=threading.Event().wait, args=(60,)).start()
subprocess.Popen(["sh", "-c", "sleep 60; true"])
"""


@dataclass(frozen=True)
class Kind:
    """Something long-lived, and what has to be true of it when its worker has gone."""

    source: str
    hold: Callable[["Held"], None] = lambda held: None
    within_s: float = LEAVE_S
    """After the save."""
    look: Callable[["Held"], None] = lambda held: None
    notices_s: float = 0.0
    """Until the save is noticed, where the worker itself cannot tell of it."""
    replacement: str = VERSIONED_APP.format(version=2)


class Held:
    """A session and the connection that its client holds open."""

    def __init__(self, session: DevSession, clients: ExitStack) -> None:
        self.session = session
        self._client = socket.create_connection(("127.0.0.1", session.port), timeout=30)
        clients.enter_context(self._client)
        self._answers = clients.enter_context(self._client.makefile("rb"))

    def ask(self, head: str = "GET /hold HTTP/1.1") -> None:
        self._client.sendall(f"{head}\r\nHost: x\r\n\r\n".encode())

    def ask_and_wait(self) -> None:
        self.ask()
        wait_until(self.path("began").exists, "the request did not begin")

    def ask_and_hold_the_gil(self) -> None:
        self.ask_and_wait()
        while self._is_answered():
            pass

    def begin_upload(self) -> None:
        self.ask("POST / HTTP/1.1\r\nContent-Length: 100\r\nExpect: 100-continue")
        assert self._answers.readline().startswith(b"HTTP/1.1 100")

    def upgrade(self) -> None:
        """A server may answer as if nothing had been asked (RFC 9110, section 7.8)."""
        self.ask("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket")
        assert self._answer() == b"old"

    def answers_of_new_code(self) -> None:
        self.ask("GET / HTTP/1.1")
        assert self._answer() == b"000002"

    def is_refused(self) -> None:
        self.ask("CONNECT example.org:443 HTTP/1.1")
        assert b" 501 " in self._answers.readline()

    def is_cut(self) -> None:
        """The end of the connection, not of the answer: no client may take it for whole."""
        rest = self._answers.read()
        assert not rest.endswith(b"0\r\n\r\n")
        assert b"late" not in rest

    def is_cut_and_told(self) -> None:
        self.is_cut()
        self.has("finally")

    def has(self, name: str) -> None:
        assert self.path(name).exists(), name

    def has_not(self, name: str) -> None:
        assert not self.path(name).exists(), name

    def path(self, name: str) -> Path:
        return self.session.project.parent / name

    def _is_answered(self) -> bool:
        """Does the worker still run any Python?"""
        try:
            return get(self.session.port, timeout_s=0.2).status == 200
        except TimeoutError:
            return False

    def _answer(self) -> bytes:
        response = http.client.HTTPResponse(self._client)
        response.begin()
        return response.read()


KINDS = {
    "stream": Kind(APP + STREAM, Held.ask_and_wait, RETIRE_S, Held.is_cut_and_told),
    "silent stream": Kind(APP + SILENT_STREAM, Held.ask_and_wait, RETIRE_S, Held.is_cut),
    "long poll": Kind(APP + LONG_POLL, Held.ask_and_wait, RETIRE_S, Held.is_cut),
    "ASGI stream": Kind(
        ASGI + ASGI_STREAM,
        Held.ask_and_wait,
        RETIRE_S,
        Held.is_cut_and_told,
        replacement=NEXT_ASGI,
    ),
    "ASGI long poll": Kind(
        ASGI + ASGI_LONG_POLL, Held.ask_and_wait, RETIRE_S, Held.is_cut, replacement=NEXT_ASGI
    ),
    "ASGI blocked loop": Kind(
        ASGI + BLOCKED_LOOP,
        Held.ask_and_hold_the_gil,
        RETIRE_S,
        Held.is_cut,
        DEBOUNCE_S,
        NEXT_ASGI,
    ),
    "half an upload": Kind(APP, Held.begin_upload, RETIRE_S, Held.is_cut),
    "idle upgrade": Kind(APP, Held.upgrade),
    "CONNECT": Kind(APP, Held.is_refused),
    "non-daemon thread": Kind(THREAD + APP, look=lambda held: held.has("atexit")),
    "Timer": Kind(TIMER + APP, look=lambda held: held.has_not("fired")),
    "ThreadPoolExecutor": Kind(EXECUTOR + APP),
    "ignored signals": Kind(IGNORING + APP),
    "pool of processes": Kind(POOL + APP),
    "native loop": Kind(
        APP + NATIVE_LOOP, Held.ask_and_hold_the_gil, RETIRE_S, Held.is_cut, DEBOUNCE_S
    ),
}
BROKEN = "def app(:\n"
CASES = [(name, way) for name in KINDS for way in ("save", "broken save")]

# The sessions wait for their deadlines side by side, but times are taken one at a time.
_taking_times = threading.Lock()


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, str], Future[None]]]:
    with ThreadPoolExecutor(len(CASES)) as pool:
        yield {
            (name, way): pool.submit(retire, tmp_path_factory.mktemp("held"), KINDS[name], way)
            for name, way in CASES
        }


@pytest.mark.parametrize(("name", "way"), CASES)
def test_what_lives_long_is_gone_at_the_deadline_after(
    outcomes: dict[tuple[str, str], Future[None]], name: str, way: str
) -> None:
    outcomes[name, way].result(120)


def retire(folder: Path, kind: Kind, way: str) -> None:
    project = folder / "project"
    project.mkdir()
    (project / "app.py").write_text(kind.source)
    with ExitStack() as stack:
        with _taking_times:
            session = stack.enter_context(DevSession(project))
            session.wait_until_serving()
            held = Held(session, stack)
            kind.hold(held)
            saved_at = time.monotonic()
            session.save("app.py", kind.replacement if way == "save" else BROKEN)
            answer = session.get()
            took_s = time.monotonic() - saved_at
        built = session.wait_for("built", generation=2)
        build_s = sum(built[name] for name in ("interpreter_ms", "import_ms", "verify_ms")) / 1000
        assert (answer.status, answer.body) == (200, "000002") or way == "broken save"
        assert answer.status == 500 or way == "save"
        assert took_s - build_s < FRESH_WITHIN_S + kind.notices_s
        exited = session.wait_for(
            "exited", within_s=kind.within_s + 10, process="worker", generation=1
        )
        assert exited["at_s"] - saved_at < took_s + kind.within_s + MARGIN_S
        is_left_nothing_of(session)
        kind.look(held)
        if kind.hold is Held.upgrade and way == "save":
            held.answers_of_new_code()


def is_left_nothing_of(session: DevSession, generation: int = 1) -> None:
    mark = f"WIVERNO_SESSION={session.session_id}.{generation}."
    wait_until(lambda: not processes_with(mark), "processes of the old worker are left", 1.0)


@pytest.mark.parametrize("name", KINDS)
def test_what_lives_long_is_gone_two_seconds_after_the_order_to_stop(
    project: Path, name: str
) -> None:
    kind = KINDS[name]
    (project / "app.py").write_text(kind.source)
    with DevSession(project) as session, ExitStack() as clients:
        session.wait_until_serving()
        held = Held(session, clients)
        kind.hold(held)
        asked_at = time.monotonic()
        code = session.stop()
        took_s = time.monotonic() - asked_at
        is_left_nothing_of(session)
        kind.look(held)

    assert code == 0
    assert took_s < STOP_S


def test_stream_of_a_retiring_worker_is_told_when_the_session_ends(project: Path) -> None:
    """Ten seconds of patience become one."""
    (project / "app.py").write_text(KINDS["stream"].source)
    with DevSession(project) as session, ExitStack() as clients:
        session.wait_until_serving()
        held = Held(session, clients)
        held.ask_and_wait()
        session.save("app.py", VERSIONED_APP.format(version=2))
        assert session.get().body == "000002"
        session.stop()

        held.is_cut_and_told()
        assert session.wait_for("exited", process="worker", generation=1)["status"] == 0


@pytest.mark.both_strategies
def test_each_of_five_saves_in_a_row_is_fresh_while_old_workers_stream(project: Path) -> None:
    def source(version: int) -> str:
        return (APP + STREAM).replace('b"old"', f'b"{version}"')

    (project / "app.py").write_text(source(0))
    with DevSession(project) as session, ExitStack() as clients:
        answers: list[Any] = []
        for version in range(1, 6):
            Held(session, clients).ask()
            session.save("app.py", source(version))
            answers.append(session.get().body)
        session.stop()
        left = processes_with(f"WIVERNO_SESSION={session.session_id}.")

    assert answers == ["1", "2", "3", "4", "5"]
    assert left == []
