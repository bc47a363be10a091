"""One measurement on real processes, and nothing of them left."""

import sys
from pathlib import Path

import pytest

from benchmarks.processes import marked_processes
from benchmarks.reload.client import ask
from benchmarks.reload.framework_projects import FRAMEWORK_PROJECTS
from benchmarks.reload.measure import measure_save
from benchmarks.reload.peers import PEERS, Form, Peer, wiverno_peers
from benchmarks.reload.project import Application
from benchmarks.reload.projects import PROJECTS
from benchmarks.reload.server import DidNotStartError, Server

pytestmark = pytest.mark.processes

PROGRAMS = Path(sys.executable).parent
LIGHT = PROJECTS[0]
DJANGO = [project for project in FRAMEWORK_PROJECTS if project.application is Application.DJANGO]


def test_save_is_measured_and_server_is_gone_after(tmp_path: Path) -> None:
    (wiverno, *_) = wiverno_peers("")

    with Server(wiverno, LIGHT, tmp_path, PROGRAMS) as server:
        save = measure_save(server, 1)
        while_running = marked_processes(server.mark)

    assert (save.first, save.until_fresh) == ("fresh", {"fresh": 1})
    assert save.fresh_ms == save.first_ms
    assert while_running
    assert not marked_processes(server.mark)


def test_first_answer_of_fastapi_after_a_save_is_that_of_the_save(tmp_path: Path) -> None:
    (wiverno, *_) = wiverno_peers("")

    with Server(wiverno, FRAMEWORK_PROJECTS[0], tmp_path, PROGRAMS) as server:
        save = measure_save(server, 1)

    assert (save.project, save.until_fresh) == ("fastapi", {"fresh": 1})


def test_django_project_answers_with_the_version_of_each_file_that_is_edited(
    tmp_path: Path,
) -> None:
    django = next(peer for peer in PEERS if peer.name == "django")

    with Server(django, DJANGO[0], tmp_path, PROGRAMS) as server:
        answers = [ask(server.port, project.path) for project in DJANGO]

    assert [answer.body.strip() for answer in answers] == ["000001"] * 3


def test_server_without_an_entry_to_the_project_is_refused(tmp_path: Path) -> None:
    peer = Peer("flask-run", (), "{bin}/flask run --port {port}", Form.FLASK)

    with pytest.raises(DidNotStartError, match="flask-run runs no application"):
        Server(peer, FRAMEWORK_PROJECTS[0], tmp_path, PROGRAMS)


def test_server_that_ends_at_start_tells_what_it_wrote(tmp_path: Path) -> None:
    peer = Peer("none", (), "{python} -c 'raise SystemExit(\"no such port: {port}\")'")

    with (
        pytest.raises(DidNotStartError, match="no such port"),
        Server(peer, LIGHT, tmp_path, PROGRAMS),
    ):
        pass
