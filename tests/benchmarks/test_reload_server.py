"""One measurement on real processes, and nothing of them left."""

import sys
from pathlib import Path

import pytest

from benchmarks.processes import marked_processes
from benchmarks.reload.measure import measure_save
from benchmarks.reload.peers import Peer, wiverno_peers
from benchmarks.reload.projects import PROJECTS
from benchmarks.reload.server import DidNotStartError, Server

pytestmark = pytest.mark.processes

PROGRAMS = Path(sys.executable).parent
LIGHT = PROJECTS[0]


def test_save_is_measured_and_server_is_gone_after(tmp_path: Path) -> None:
    (wiverno, *_) = wiverno_peers("")

    with Server(wiverno, LIGHT, tmp_path, PROGRAMS) as server:
        save = measure_save(server, 1)
        while_running = marked_processes(server.mark)

    assert (save.first, save.until_fresh) == ("fresh", {"fresh": 1})
    assert save.fresh_ms == save.first_ms
    assert while_running
    assert not marked_processes(server.mark)


def test_server_that_ends_at_start_tells_what_it_wrote(tmp_path: Path) -> None:
    peer = Peer("none", (), "{python} -c 'raise SystemExit(\"no such port: {port}\")'")

    with (
        pytest.raises(DidNotStartError, match="no such port"),
        Server(peer, LIGHT, tmp_path, PROGRAMS),
    ):
        pass
