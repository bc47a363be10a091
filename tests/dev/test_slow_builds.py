"""Builds that take long, hang, or cannot begin while the old worker lives."""

import socket
import time
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, get

pytestmark = pytest.mark.processes

GOOD = VERSIONED_APP.format(version=7)
HANGS = {
    "sleeping": "import threading\nthreading.Event().wait(60)\n",
    "spinning": "while True:\n    pass\n",
    "holding the GIL": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n",
}


@pytest.mark.parametrize("hang", HANGS)
def test_hanging_import_gives_a_503_with_its_stack_and_the_fix_heals(
    project: Path, hang: str
) -> None:
    (project / "app.py").write_text(HANGS[hang] + GOOD)
    with DevSession(project) as session:
        session.wait_for("build_started")
        begun = time.monotonic()
        page = get(session.port, timeout_s=15.0)
        took_s = time.monotonic() - begun
        session.save("app.py", GOOD)
        healed = session.get()

    assert page.status == 503
    assert took_s < 11.0
    assert page.headers["Retry-After"] == "1"
    assert "app.py" in page.body
    assert (healed.status, healed.body) == (200, "000007")


def test_fix_of_a_hanging_import_heals_before_anybody_is_told(project: Path) -> None:
    (project / "app.py").write_text(HANGS["spinning"] + GOOD)
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_for("build_started")
        # Read, and spinning.
        session.wait_until(lambda: _has_begun(session), "the import")
        session.save("app.py", GOOD)

        assert session.get().body == "000007"


def _has_begun(session: DevSession) -> bool | None:
    """A record frame is there once the source was read; the watcher may tell of saves."""
    return True if time.monotonic() - session.events[0]["at_s"] > 0.5 else None


def test_application_that_holds_a_port_from_its_import_on_is_restarted(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = (
        "import socket\n"
        "held = socket.socket()\n"
        f"held.bind(('127.0.0.1', {port}))\n"
        "held.listen()\n" + VERSIONED_APP
    )
    (project / "app.py").write_text(source.format(version=1))
    with DevSession(project) as session:
        answers = [session.get().body]
        for version in (2, 3):
            session.save("app.py", source.format(version=version))
            answers.append(session.get().body)
        session.stop()
        output = session.output

    assert answers == ["000001", "000002", "000003"]
    assert output.count("From now on that one is ended first") == 1
    assert session.count("built", outcome="failed") == 1


def test_failure_that_the_world_repairs_heals_by_itself(project: Path) -> None:
    """A database that is down at the import and comes back, with nothing saved."""
    (project / "app.py").write_text(
        "import os\n"
        "if not os.path.exists('/proc/self/fd/0') or not os.path.exists(DATABASE):\n"
        "    raise ConnectionError('the database is down')\n".replace("DATABASE", "'../database'")
        + GOOD
    )
    with DevSession(project) as session:
        page = session.get()
        (project.parent / "database").touch()
        deadline = time.monotonic() + 10
        while (answer := session.get()).status != 200:
            assert time.monotonic() < deadline
            session.wait_for("build_started", generation=session.count("build_started"))

    assert page.status == 500
    assert answer.body == "000007"


def test_crash_page_names_the_request(project: Path) -> None:
    (project / "app.py").write_text(
        "import ctypes\n"
        "def app(environ, start_response):\n"
        "    if environ['PATH_INFO'] == '/die':\n"
        "        ctypes.string_at(0)\n"
        "    start_response('200 OK', [])\n"
        "    return [b'ok']\n"
    )
    with DevSession(project) as session:
        for restart in (1, 2, 3):
            session.wait_until_serving(restart)
            with pytest.raises(ConnectionError):
                session.get("/die?now")
        session.wait_for("page")
        page = session.get("/")

    assert "SIGSEGV" in page.body
    assert "GET /die?now" in page.body
