"""An application that replaces threads by gevent's is served, whatever was imported before it."""

import concurrent.futures
import queue
import select
import selectors
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import wiverno.dev.serving.wsgi  # noqa: F401 - a template imports it, and what it imports
from tests.dev.harness import DevSession, get
from wiverno.dev.processes.channel import Channel
from wiverno.dev.processes.messages import Retire

APP = """\
from gevent import monkey; monkey.patch_all()
import time

def app(environ, start_response):
    time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"VERSION"]
"""
# What `monkey.patch_all()` puts another one in the place of.
REPLACED = (
    *(queue.SimpleQueue, queue.Queue, threading.Thread, threading.Event, threading.Condition),
    *(threading.Lock, threading.RLock, threading.local, select.poll, select.select),
    *(selectors.DefaultSelector, socket.socket, socket.create_connection, subprocess.Popen),
)
LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Event, threading.Condition)


def kept_by(name: str) -> list[str]:
    """What of that is bound in a module, or held by an object that is."""
    found = []
    for key, value in vars(sys.modules[name]).items():
        held = getattr(value, "__dict__", {}).values() if type(value).__module__ == name else ()
        # By identity: some objects may not be compared.
        if any(value is each for each in REPLACED) or any(
            isinstance(each, LOCKS) for each in (value, *held)
        ):
            found.append(f"{name}.{key}")
    return found


def test_server_when_imported_keeps_nothing_that_green_threads_replace() -> None:
    """Bound before, it would stop all of them: each is looked up when it is used."""
    names = [
        name
        for name in sys.modules
        if name.startswith(("wiverno.core.server.", "wiverno.dev.serving."))
    ]

    assert "wiverno.core.server.pool" in names
    assert not [each for name in names for each in kept_by(name)]


def test_channel_waits_as_the_application_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the socket, which is older than the application and its patches."""
    polls: list[object] = []
    real = select.poll

    def poll() -> object:
        polls.append(real())
        return polls[-1]

    monkeypatch.setattr(select, "poll", poll)
    ours, theirs = Channel.pair()
    try:
        theirs.send(Retire(1.0, 2.0))
        ours.wait()
        message = ours.receive()
        theirs.close()
        ours.wait()  # There is nobody left.
    finally:
        ours.close()

    assert message == Retire(1.0, 2.0)
    assert len(polls) == 2


@pytest.mark.heavy
@pytest.mark.processes
@pytest.mark.both_strategies
def test_application_patched_by_gevent_is_served_and_replaced(
    project: Path, strategy: str | None
) -> None:
    (project / "app.py").write_text(APP.replace("VERSION", "one"))
    with DevSession(project) as session:

        def ask(_: int) -> str:
            return get(session.port).body

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(40))) == {"one"}
        # Long after the burst behind a restart.
        threading.Event().wait(1.0)
        assert ask(0) == "one"
        session.save("app.py", APP.replace("VERSION", "two"))
        assert ask(0) == "two"
