"""Applications that write into their own project: no loop, and nothing stale."""

import threading
from pathlib import Path

import pytest

from tests.dev.harness import DevSession
from tests.dev.self_writing import VERSION, WRITERS, write_project

pytestmark = pytest.mark.processes

ROUNDS = 4
# A restart takes some 50 ms: a loop would be seen many times.
QUIET_S = 3.0


def builds(session: DevSession) -> list[list[str]]:
    """What each build was started for: the culprits, if one was too many."""
    return [event["changed"] for event in session.events if event["event"] == "build_started"]


def ask_all(session: DevSession, calls: int) -> None:
    """Each writer once; it has been called `calls` times by then."""
    for name in WRITERS:
        answer = session.get(f"/{name}")
        assert (name, answer.status, answer.body) == (name, 200, str(calls))


@pytest.mark.both_strategies
def test_applications_that_write_never_restart_and_never_loop(project: Path) -> None:
    write_project(project)
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_until_serving()
        # What the import itself has written is told by the watcher now.
        for calls in range(1, ROUNDS + 1):
            ask_all(session, calls)
        threading.Event().wait(QUIET_S / 2)
        assert builds(session) == [[]]

        source = session.save("version.py", VERSION.format(version=2))
        assert session.get("/").headers["X-Version"] == "2"
        for calls in range(ROUNDS + 1, 2 * ROUNDS + 1):
            ask_all(session, calls)
        threading.Event().wait(QUIET_S)
        assert builds(session) == [[], [str(source)]]

        session.save("version.py", VERSION.format(version=3))
        assert session.get("/").headers["X-Version"] == "3"


def test_file_that_is_only_read_restarts_when_somebody_else_edits_it(project: Path) -> None:
    write_app(
        project,
        app="import json, pathlib\n"
        "ANSWER = json.loads(pathlib.Path('config.json').read_text())['name']\n",
    )
    (project / "config.json").write_text('{"name": "one"}')
    with DevSession(project) as session:
        session.wait_until_serving()
        before = session.get().body
        session.save("config.json", '{"name": "two"}')

        assert (before, session.get().body) == ("one", "two")


def test_module_that_each_import_writes_differently_is_built_once(project: Path) -> None:
    write_app(
        project,
        app="import pathlib, time\n"
        "pathlib.Path('stamp.py').write_text(f'STAMP = {time.time_ns()}')\n"
        "from stamp import STAMP as ANSWER\n",
    )
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_until_serving()
        answers = {session.get().body for _ in range(ROUNDS)}
        # What is told of this file comes after all that is told of the other one.
        other = session.save("other.py", "")
        session.wait_until_serving(2)

        assert len(answers) == 1
        assert session.get().body not in answers
        assert builds(session)[0] == []
        assert all(str(other) in changed for changed in builds(session)[1:])


def test_state_that_a_child_process_rewrites_restarts_once_for_each_request(
    project: Path,
) -> None:
    """Nothing tells it from an edit by somebody else; without requests nothing happens."""
    write_app(
        project,
        app="import pathlib, subprocess\n"
        "path = pathlib.Path('state')\n"
        "COUNT = path.read_text().count('x')\n"
        "def answer():\n"
        "    subprocess.run(['sh', '-c', 'printf x >> state'], check=True)\n"
        "    return COUNT\n",
    )
    (project / "state").touch()
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_until_serving()
        answers = [session.get().body for _ in range(ROUNDS)]
        other = session.save("other.py", "")
        session.wait_until_serving(ROUNDS + 1)

        assert answers == [str(number) for number in range(ROUNDS)]
        assert builds(session)[-1] == [str(other)]
        assert len(builds(session)) == ROUNDS + 1


def write_app(project: Path, app: str) -> None:
    """An application that answers with `answer()`, or else with ANSWER."""
    (project / "app.py").write_text(
        app + "\n\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    value = answer() if 'answer' in globals() else ANSWER\n"
        "    return [str(value).encode()]\n"
    )
