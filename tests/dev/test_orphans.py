"""Promise 6: whatever ends a session, wherever it stands, nothing is left within two seconds."""

import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, processes_with, wait_until, wiverno_dev
from tests.dev.pty_session import PtySession

pytestmark = pytest.mark.processes

WITHIN_S = 2.0

# Beside the project: a file in it would be a change.
BEGAN = "import pathlib\npathlib.Path('../began').touch()\n"
SLEEPING = BEGAN + "import threading\nthreading.Event().wait(30)\n"
SPINNING = BEGAN + "while True:\n    pass\n"
# Never lets go of the GIL, nor looks for signals.
NATIVE = BEGAN + "import itertools\nsum(itertools.repeat(0))\n"
APP = """\
import pathlib, threading

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/slow":
        pathlib.Path("../began").touch()
        threading.Event().wait(30)
    return stream() if environ["PATH_INFO"] == "/stream" else [b"done"]

def stream():
    while True:
        yield b"tick"
        threading.Event().wait(0.05)
"""
ASGI_APP = """\
import asyncio, pathlib

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["path"] == "/slow":
        pathlib.Path("../began").touch()
        await asyncio.sleep(30)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while scope["path"] == "/stream":
        await send({"type": "http.response.body", "body": b"tick", "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b"done"})

async def live(receive, send):
    while True:
        kind = (await receive())["type"]
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return
"""
HANGING_START_UP = ASGI_APP.replace(
    'kind = (await receive())["type"]',
    'await receive(); pathlib.Path("../began").touch(); await asyncio.sleep(30)',
)
HANGING_SHUTDOWN = ASGI_APP.replace(
    '        await send({"type": kind + ".complete"})\n',
    '        await asyncio.sleep(30 * kind.endswith("shutdown"))\n'
    '        await send({"type": kind + ".complete"})\n',
)
# A pool as the standard library makes it, a daemon, and a program with a child of its own.
FORKING = """\
import os, signal, subprocess
from concurrent.futures import ProcessPoolExecutor

signal.signal(signal.SIGTERM, signal.SIG_IGN)
pool = ProcessPoolExecutor(2)
pool.submit(pow, 2, 3).result(5)
subprocess.Popen(["sh", "-c", "sleep 60; true"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "60"])
    os._exit(0)
os.wait()
"""


class Reach:
    """Brings a session to a stage; what the clients hold open ends with `clients`."""

    def __init__(self, session: DevSession, clients: ExitStack) -> None:
        self.session = session
        self.clients = clients

    def import_began(self) -> None:
        """The import itself runs, not only its interpreter."""
        wait_until((self.session.project.parent / "began").exists, "it did not begin")

    def page(self) -> None:
        assert self.session.get().status == 500

    def idle(self) -> None:
        self.session.wait_until_serving()

    def request(self) -> None:
        self._send("/slow")
        self.import_began()

    def stream(self) -> None:
        client = self._send("/stream")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")

    def rebuild(self) -> None:
        self.session.get()
        self.session.save("app.py", SLEEPING)
        self._send("/")
        self.import_began()

    def retiring(self) -> None:
        self.stream()
        self.session.save("app.py", VERSIONED_APP.format(version=2))
        assert self.session.get().body == "000002"
        assert self.session.count("exited", process="worker") == 0

    def _send(self, path: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.session.port), timeout=10)
        self.clients.enter_context(client)
        client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        return client


STAGES: dict[str, tuple[str, Callable[[Reach], None]]] = {
    "application with a pool": (FORKING + APP, Reach.idle),
    "sleeping import": (SLEEPING, Reach.import_began),
    "spinning import": (SPINNING, Reach.import_began),
    "native import": (NATIVE, Reach.import_began),
    "page": ("1 / 0\n", Reach.page),
    "idle": (VERSIONED_APP.format(version=1), Reach.idle),
    "request": (APP, Reach.request),
    "stream": (APP, Reach.stream),
    "rebuild": (APP, Reach.rebuild),
    "retiring worker": (APP, Reach.retiring),
    "ASGI start-up": (HANGING_START_UP, Reach.import_began),
    "ASGI request": (ASGI_APP, Reach.request),
    "ASGI retiring worker": (ASGI_APP, Reach.retiring),
    "ASGI shutdown that hangs": (HANGING_SHUTDOWN, Reach.stream),
}


def typed_ctrl_c(session: PtySession) -> None:
    session.type(b"\x03")


def typed_ctrl_c_twice(session: PtySession) -> None:
    session.type(b"\x03")
    session.wait_for("stopping")
    session.type(b"\x03")


def sent(number: signal.Signals) -> Callable[[DevSession], None]:
    """To the first process of the session: the supervisor, or what stands before it."""
    return lambda session: session.process.send_signal(number)


GRACEFUL: dict[str, Callable[[PtySession], None]] = {
    "Ctrl+C": typed_ctrl_c,
    "Ctrl+C twice": typed_ctrl_c_twice,
    "SIGTERM": sent(signal.SIGTERM),
    "SIGHUP": sent(signal.SIGHUP),
    "closed terminal": PtySession.close_terminal,
}
ON_A_TERMINAL = {"SIGKILL": sent(signal.SIGKILL), **GRACEFUL}

SHELL = ("sh", "-c", '"$@"; true', "sh")
# As `uv run` does it: its child in the same process group, signals passed on.
RUNNER = """\
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:], close_fds=False)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: child.send_signal(number))
sys.exit(child.wait())
"""
UV_RUN = (sys.executable, "-c", RUNNER)

BEHIND_A_WRAPPER: dict[str, tuple[tuple[str, ...], signal.Signals]] = {
    "shell killed": (SHELL, signal.SIGKILL),
    "shell terminated": (SHELL, signal.SIGTERM),
    "uv run killed": (UV_RUN, signal.SIGKILL),
    "uv run terminated": (UV_RUN, signal.SIGTERM),
}
WAYS = [*ON_A_TERMINAL, *BEHIND_A_WRAPPER]

EVERY_PAIR = [(stage, way) for stage in STAGES for way in WAYS]
# Each stage four times, each way at least three times, no way twice at one stage.
CHOSEN = [
    (stage, WAYS[(number + 3 * turn) % len(WAYS)])
    for number, stage in enumerate(STAGES)
    for turn in range(4)
]


def test_sample_has_each_stage_and_each_way_three_times() -> None:
    assert len(set(CHOSEN)) == len(CHOSEN)
    assert all(sum(stage == name for stage, _ in CHOSEN) >= 3 for name in STAGES)
    assert all(sum(way == name for _, way in CHOSEN) >= 3 for name in WAYS)


@pytest.mark.parametrize(("stage", "way"), CHOSEN)
def test_end_leaves_nothing_within_two_seconds(project: Path, stage: str, way: str) -> None:
    end_and_look(project, stage, way)


@pytest.mark.parametrize("strategy", ["spawn"], indirect=True)
@pytest.mark.parametrize(("stage", "way"), CHOSEN[::4])
def test_end_without_templates_leaves_nothing_either(project: Path, stage: str, way: str) -> None:
    end_and_look(project, stage, way)


@pytest.mark.thorough
@pytest.mark.parametrize(("stage", "way"), [pair for pair in EVERY_PAIR if pair not in CHOSEN])
def test_every_other_end_leaves_nothing_within_two_seconds(
    project: Path, stage: str, way: str
) -> None:
    end_and_look(project, stage, way)


@pytest.mark.both_strategies
def test_ctrl_c_again_and_again_ends_at_once_and_without_a_traceback(project: Path) -> None:
    """Also while the session cleans up, and while the interpreter ends."""
    (project / "app.py").write_text(APP)
    with PtySession(project, environment={}) as session:
        session.wait_until_serving()
        before = session.stty()
        session.type(b"\x03")
        session.wait_for("stopping")
        while session.process.poll() is None:
            session.process.send_signal(signal.SIGINT)
            threading.Event().wait(0.001)
        assert session.process.returncode == 0
        assert "Traceback" not in session.output
        assert "KeyboardInterrupt" not in session.output
        assert session.stty() == before


def end_and_look(project: Path, stage: str, way: str) -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    environment = dict([mark.split("=")])
    source, _ = STAGES[stage]
    (project / "app.py").write_text(source)
    if way in ON_A_TERMINAL:
        with PtySession(project, environment=environment) as session, ended(mark) as clients:
            reach(session, clients, stage)
            before = session.stty()
            end(session, mark, lambda: ON_A_TERMINAL[way](session))
            assert way == "closed terminal" or session.stty() == before
            if way in GRACEFUL:
                assert session.process.wait(1) == 0
                # Ctrl+C reaches the pool's processes too, which say so, as without a server.
                if stage not in ("page", "application with a pool"):
                    assert "Traceback" not in session.output
                    assert "KeyboardInterrupt" not in session.output
    else:
        wrapper, number = BEHIND_A_WRAPPER[way]
        command = (*wrapper, *wiverno_dev())
        with (
            DevSession(project, command=command, environment=environment) as session,
            ended(mark) as clients,
        ):
            reach(session, clients, stage)
            end(session, mark, lambda: session.process.send_signal(number))


@contextmanager
def ended(mark: str) -> Iterator[ExitStack]:
    """For what clients hold open. What a failed test leaves is ended, whoever it belongs to."""
    with ExitStack() as clients:
        try:
            yield clients
        finally:
            for pid in processes_with(mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def reach(session: DevSession, clients: ExitStack, stage: str) -> None:
    _, bring = STAGES[stage]
    bring(Reach(session, clients))


def end(session: DevSession, mark: str, act: Callable[[], None]) -> None:
    port = session.port
    began = time.monotonic()
    act()
    wait_until(lambda: not processes_with(mark), "processes are left", WITHIN_S)
    # The kernel takes a process's memory, which names it, before its sockets.
    wait_until(lambda: is_free(port), "the port is held", began + WITHIN_S - time.monotonic())


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
