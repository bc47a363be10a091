"""Promise 4: broken code is an answer, and the next good save heals it.

The kinds of breakage are in `test_breakage_table`.
"""

import json
import socket
import sys
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession

pytestmark = pytest.mark.processes

GOOD = VERSIONED_APP.format(version=7)


def test_fix_in_another_file_heals(project: Path) -> None:
    (project / "app.py").write_text("from part import VALUE\n" + GOOD)
    (project / "part.py").write_text("VALUE = 1 / 0\n")
    with DevSession(project) as session:
        page = session.get()
        session.save("part.py", "VALUE = 1\n")
        healed = session.get()

    assert "ZeroDivisionError" in page.body
    assert "part.py" in page.body
    assert healed.status == 200


def test_missing_module_that_is_created_heals(project: Path) -> None:
    (project / "app.py").write_text("import part\n" + GOOD)
    with DevSession(project) as session:
        page = session.get()
        session.save("part.py", "")
        healed = session.get()

    assert "part" in page.body
    assert healed.status == 200


def test_fix_heals_without_any_request(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with DevSession(project, "app:app", "--debounce", "0.1") as session:
        session.wait_for("page")
        session.save("app.py", GOOD)

        session.wait_until_serving()


def test_missing_target_module_that_is_created_heals(project: Path) -> None:
    with DevSession(project) as session:
        page = session.get()
        session.save("app.py", GOOD)
        healed = session.get()

    assert page.status == 500
    assert str(project) in page.body
    assert healed.status == 200


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("*/*", "text/plain"),
    ],
)
def test_page_speaks_the_language_of_the_client(
    project: Path, accept: str, content_type: str
) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with DevSession(project) as session:
        page = session.get(headers={"Accept": accept})

    assert page.status == 500
    assert page.headers["Content-Type"].startswith(content_type)
    assert page.headers["X-Wiverno-Error"] == "ZeroDivisionError"
    if content_type == "application/json":
        assert json.loads(page.body)["kind"] == "ZeroDivisionError"


def test_broken_page_does_not_count_as_a_restart(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with DevSession(project) as session:
        session.get()
        session.save("app.py", GOOD)
        session.get()

        assert session.wait_for("serving")["restart"] == 1


def test_dead_worker_is_replaced_and_the_next_request_answered(project: Path) -> None:
    (project / "app.py").write_text(DYING)
    with DevSession(project) as session:
        first = session.get("/").body
        with pytest.raises(ConnectionError):
            session.get("/die")
        second = session.get("/").body

    assert first != second


def test_third_death_without_a_change_gives_a_page_and_a_save_heals(project: Path) -> None:
    (project / "app.py").write_text(DYING)
    with DevSession(project) as session:
        for restart in (1, 2, 3):
            session.wait_until_serving(restart)
            with pytest.raises(ConnectionError):
                session.get("/die")
        session.wait_for("page")
        page = session.get("/")
        session.save("app.py", GOOD)
        healed = session.get("/")

    assert (page.status, healed.status) == (500, 200)
    assert "exit code 9" in page.body


def test_upload_to_a_page_is_not_cut_when_the_fix_comes_in_between(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n")
    with DevSession(project) as session:
        session.wait_for("page")
        with socket.create_connection(("127.0.0.1", session.port), timeout=5) as upload:
            upload.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nfir")
            # The page answers others meanwhile, so the upload has arrived.
            assert session.get().status == 500
            session.save("app.py", GOOD)
            healed = session.get()
            upload.sendall(b"st.")
            answer = upload.recv(20)

    assert healed.body == "000007"
    assert answer.startswith(b"HTTP/1.1 500 ")


DYING = """\
import os

def app(environ, start_response):
    if environ["PATH_INFO"] == "/die":
        os._exit(9)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


def test_application_that_starts_the_session_itself_gets_a_page_that_says_so(
    project: Path,
) -> None:
    """An unguarded `DevServer.serve()` in the very module that is served."""
    (project / "dev.py").write_text(
        GOOD
        + "\nfrom wiverno.dev.dev_server import DevServer\n"
        + "DevServer.serve(app_module='dev', port=0)\n"
    )
    with DevSession(project, command=[sys.executable, "dev.py"]) as session:
        page = session.get()

    assert page.status == 500
    assert "__main__" in page.body
