"""The same WSGI application under RunServer, waitress and gunicorn, each ready when it is bound."""

import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from tests.application.running_program import RunningProgram
from tests.core.server.serving import DEADLINE_S, Client, ServerThread
from wiverno.core.server.run_server import RunServer
from wiverno.core.wsgi_types import WSGIApplication

Address = tuple[str, int]

THREADS = 4
_LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


@contextmanager
def run_server(application: WSGIApplication, **settings: Any) -> Iterator[Address]:
    """RunServer in a thread."""
    running = ServerThread(RunServer(application, "127.0.0.1", 0, 128, **settings))
    try:
        yield running.address
    finally:
        running.stop()


@contextmanager
def waitress(application: WSGIApplication, **settings: Any) -> Iterator[Address]:
    """waitress in a thread, with its defaults but for `settings`."""
    server = create_server(application, host="127.0.0.1", port=0, threads=THREADS, **settings)
    thread = threading.Thread(target=server.run, name="test-waitress")
    thread.start()
    try:
        yield "127.0.0.1", int(server.effective_port)
    finally:
        # In its own thread, as everything that closes what its loop looks at; its loop ends
        # with the last thing in the map.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        server.task_dispatcher.shutdown()


@contextmanager
def gunicorn(target: str, folder: Path) -> Iterator[Address]:
    """gunicorn with one gthread worker, as a process in `folder`."""
    command = (
        *(sys.executable, "-m", "gunicorn", target, "--bind", "127.0.0.1:0"),
        *("--worker-class", "gthread", "--threads", str(THREADS), "--no-control-socket"),
    )
    with RunningProgram(command, folder) as program:
        found = program.wait_for(lambda: _LISTENING.search(program.output), "a bound port")
        yield "127.0.0.1", int(found[1])
        assert program.end(signal.SIGINT) == 0, program.output


def exchange(address: Address, request: bytes) -> bytes:
    """Every byte that comes back until the server closes; the request must ask it to."""
    with Client(address) as client:
        client.send(request)
        return client.rest()
