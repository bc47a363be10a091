"""Data files and touched sources in a session: which saves restart, and which do not."""

import os
from pathlib import Path

import pytest

from tests.dev.harness import DevSession

pytestmark = pytest.mark.processes

APP = """\
import glob
from pathlib import Path

SETTINGS = Path("settings.yaml").read_text()
PLUGINS = sorted(glob.glob("plugins/*.txt"))


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    path = environ["PATH_INFO"]
    if path == "/plugins":
        answer = " ".join(PLUGINS)
    elif path == "/page":
        answer = Path("page.html").read_text()
    elif path == "/log":
        with Path("visits.log").open("a") as log:
            log.write("visit\\n")
        answer = Path("visits.log").read_text()
    else:
        answer = SETTINGS
    return [answer.encode()]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "plugins").mkdir(parents=True)
    (project / "app.py").write_text(APP)
    (project / "settings.yaml").write_text("one")
    (project / "page.html").write_text("page one")
    (project / "plugins" / "a.txt").touch()
    return project


def test_data_file_that_the_import_read_restarts(project: Path) -> None:
    with DevSession(project) as session:
        session.wait_until_serving()
        before = session.get().body
        session.save("settings.yaml", "two")

        assert before == "one"
        assert session.get().body == "two"
        assert session.count("serving") == 2


def test_name_in_a_folder_that_the_import_listed_restarts(project: Path) -> None:
    with DevSession(project) as session:
        session.wait_until_serving()
        session.save("plugins/b.txt", "")

        assert session.get("/plugins").body == "plugins/a.txt plugins/b.txt"


def test_template_that_each_request_reads_itself_does_not_restart(project: Path) -> None:
    with DevSession(project) as session:
        session.wait_until_serving()
        bodies = [session.get("/page").body, session.get("/page").body]
        session.save("page.html", "page two")
        bodies.append(session.get("/page").body)

        assert bodies == ["page one", "page one", "page two"]
        assert session.count("serving") == 1


def test_log_that_the_application_writes_never_restarts(project: Path) -> None:
    with DevSession(project) as session:
        session.wait_until_serving()
        for number in range(1, 4):
            assert session.get("/log").body == "visit\n" * number

        assert session.count("serving") == 1


def test_touched_source_does_not_restart_and_a_saved_one_does(project: Path) -> None:
    with DevSession(project) as session:
        session.wait_until_serving()
        os.utime(project / "app.py")
        touched = session.get().headers["X-Wiverno-Generation"]
        session.save(
            "app.py",
            APP.replace("else:\n        answer = SETTINGS", "else:\n        answer = 'saved'"),
        )

        assert touched == "1"
        assert session.get().body == "saved"
        assert session.count("serving") == 2
