"""Guards and servers for the tests of `wiverno.core.server`."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests.core.server.serving import Gate, LoopThread, ServerThread
from wiverno.core.server.accept_loop import AcceptLoop
from wiverno.core.server.listener import bind
from wiverno.core.server.run_server import RunServer
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import WSGIApplication

# The same examples in every run: `make test` must not fail by chance.
hypothesis_settings.register_profile("server", derandomize=True, deadline=None)
hypothesis_settings.load_profile("server")


def open_descriptors() -> set[str]:
    """What this process has open, by number and target."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{each.name} {os.readlink(each)}")  # noqa: PTH115  The raw text.
        except OSError:
            continue  # The descriptor of the listing itself.
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert set(threading.enumerate()) - threads == set()
    assert {each for each in open_descriptors() - descriptors if "socket" in each} == set()
    assert len(open_descriptors()) <= len(descriptors)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    wakeup_fd = signal.set_wakeup_fd(-1)
    assert wakeup_fd == -1


@pytest.fixture
def serve() -> Iterator[Callable[..., ServerThread]]:
    """Start a RunServer in a thread; it is stopped after the test."""
    started: list[ServerThread] = []

    def start(application: WSGIApplication, **settings: object) -> ServerThread:
        host = str(settings.pop("host", "127.0.0.1"))
        server = RunServer(
            application,
            host,
            0,
            128,
            settings=ServerSettings(**settings),  # type: ignore[arg-type]  # Chosen by each test.
        )
        started.append(ServerThread(server))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def run_loop() -> Iterator[Callable[..., LoopThread]]:
    """Run an AcceptLoop in a thread; arguments are its own."""
    started: list[LoopThread] = []
    gates: list[Gate] = []

    def start(application: WSGIApplication, **arguments: object) -> LoopThread:
        listeners = bind("127.0.0.1", 0, 128)
        address = listeners[0].getsockname()
        loop = AcceptLoop(listeners, application, **arguments)  # type: ignore[arg-type]  # As above.
        started.append(LoopThread(loop, address))
        owner = getattr(arguments.get("release"), "__self__", None)
        if isinstance(owner, Gate):
            gates.append(owner)
        return started[-1]

    yield start
    for each in started:
        each.stop()
    for gate in gates:
        gate.close_all()  # What stopping has released, for example a client that just left.
