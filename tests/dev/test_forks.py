"""What the application forks or executes holds nothing of the worker's: no port, no client."""

import socket
from pathlib import Path

import pytest

from tests.dev.harness import DevSession, read_links, wait_until

pytestmark = pytest.mark.processes

STANDARD_STREAMS = {"0", "1", "2"}

APP = """
import os, subprocess, threading

def forked():
    pid = os.fork()
    if pid == 0:
        threading.Event().wait(30)
        os._exit(0)
    return pid

def pooled():
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=threading.Event().wait, args=(30,))
    process.start()
    return process.pid

def executed():
    return subprocess.Popen(["sleep", "30"]).pid

def executed_with_all_descriptors():
    return subprocess.Popen(["sleep", "30"], close_fds=False).pid

def executed_by_system():
    os.system("sleep 30 & echo $! > ../pid")
    return int(open("../pid").read())

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % (at_import or {start}())]
"""
STARTS = ("forked", "executed", "executed_with_all_descriptors", "executed_by_system")


@pytest.mark.both_strategies
@pytest.mark.parametrize("at", ["import", "request"])
@pytest.mark.parametrize("start", STARTS)
def test_child_of_the_application_has_no_descriptor_of_ours(
    project: Path, start: str, at: str
) -> None:
    source = APP.replace("{start}", start)
    first = f"{start}()" if at == "import" else "None"
    (project / "app.py").write_text(source + f"\nat_import = {first}\n")
    with (
        DevSession(project) as session,
        socket.create_connection(("127.0.0.1", session.port), timeout=5) as idle,
    ):
        # A client of the worker, whose descriptor the child must not have either.
        idle.sendall(b"GET /")
        pid = int(session.get().body)

        wait_until(lambda: numbers(pid) <= STANDARD_STREAMS, "it holds more than its streams")


@pytest.mark.both_strategies
def test_process_of_multiprocessing_has_only_pipes_beside_the_streams(project: Path) -> None:
    (project / "app.py").write_text(APP.replace("{start}", "pooled") + "\nat_import = None\n")
    with DevSession(project) as session:
        pid = int(session.get().body)

        wait_until(lambda: not ours(pid), "it holds a descriptor of ours")


def numbers(pid: int) -> set[str]:
    return {link.name for link in Path(f"/proc/{pid}/fd").iterdir()}


def ours(pid: int) -> list[str]:
    """The kinds of descriptors that only the worker has; multiprocessing has pipes too."""
    kinds = ("socket:", "/memfd:", "anon_inode:")
    return [target for target in read_links(Path(f"/proc/{pid}/fd")) if target.startswith(kinds)]
