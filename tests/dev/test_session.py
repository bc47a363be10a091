"""What a session does beside being fresh: waiting, finishing, restarting on its own, printing."""

import http.client
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession

pytestmark = pytest.mark.processes

# Quick enough for a test, slow enough that a request comes first.
DEBOUNCE = ("--debounce", "0.2")


def save_version(session: DevSession, version: int) -> None:
    session.save("app.py", VERSIONED_APP.format(version=version))


def test_request_before_the_first_import_ended_waits_for_it(project: Path) -> None:
    (project / "app.py").write_text(
        "import threading; threading.Event().wait(0.5)\n" + VERSIONED_APP.format(version=1)
    )
    with DevSession(project) as session:
        session.wait_for("listening")

        assert session.get().body == "000001"


def test_localhost_answers_on_both_families_with_one_port(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        addresses = session.wait_for("listening")["addresses"]
        for host, port in addresses:
            with socket.create_connection((host, port), timeout=5) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert client.recv(1000).startswith(b"HTTP/1.1 200")

    assert {host for host, _ in addresses} == {"127.0.0.1", "::1"}
    assert len({port for _, port in addresses}) == 1


def test_edit_of_an_imported_module_is_seen_by_the_next_request(project: Path) -> None:
    (project / "app.py").write_text(PACKAGE_APP)
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").write_text("")
    (project / "shop" / "views.py").write_text("TEXT = 'one'\n")
    with DevSession(project) as session:
        before = session.get().body
        session.save("shop/views.py", "TEXT = 'two'\n")

        assert (before, session.get().body) == ("one", "two")


def test_module_imported_by_a_request_is_seen_when_it_changes(project: Path) -> None:
    (project / "app.py").write_text(LAZY_APP)
    (project / "lazy.py").write_text("TEXT = 'one'\n")
    with DevSession(project) as session:
        before = session.get().body
        session.save("lazy.py", "TEXT = 'two'\n")

        assert (before, session.get().body) == ("one", "two")


def test_save_restarts_on_its_own_after_the_debounce(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, "app:app", *DEBOUNCE) as session:
        session.wait_until_serving()
        save_version(session, 2)

        assert session.wait_until_serving(restart=2)["generation"] == 2


def test_new_module_that_nobody_imports_restarts_once(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, "app:app", *DEBOUNCE) as session:
        wait_until_watching(session)
        serving = 1 + session.count("serving")
        session.save("unloaded.py", "")
        session.wait_until_serving(restart=serving)
        # The marker: a change that comes later and restarts once more.
        save_version(session, 3)
        session.wait_until_serving(restart=serving + 1)

        assert session.count("build_started") == serving + 1


def test_ignored_folder_does_not_restart(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    (project / "tests").mkdir()
    (project / "contests").mkdir()
    with DevSession(project, "app:app", *DEBOUNCE) as session:
        wait_until_watching(session)
        session.save("tests/test_it.py", "")
        session.save("contests/rules.py", "")
        session.wait_for("changed", path=str(project / "contests" / "rules.py"))

        assert session.count("changed", path=str(project / "tests" / "test_it.py")) == 0


def test_imported_module_in_an_ignored_folder_is_still_fresh(project: Path) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "__init__.py").write_text("")
    (project / "tests" / "double.py").write_text("TEXT = 'one'\n")
    (project / "app.py").write_text(PACKAGE_APP.replace("shop.views", "tests.double"))
    with DevSession(project) as session:
        before = session.get().body
        session.save("tests/double.py", "TEXT = 'two'\n")

        assert (before, session.get().body) == ("one", "two")


def test_save_that_a_request_has_brought_in_does_not_restart_again(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, "app:app", *DEBOUNCE) as session:
        wait_until_watching(session)
        save_version(session, 2)
        assert session.get().body == "000002"
        builds = session.count("build_started")
        session.save("unloaded.py", "")
        session.wait_until_serving(restart=session.count("serving") + 1)

        # Whatever the watcher told of the first save settled before or with the second.
        assert session.count("build_started") == builds + 1


def wait_until_watching(session: DevSession) -> None:
    """Saves are told from here on: one of them was."""
    session.wait_until_serving()
    number = 0
    while not session.count("changed"):
        number += 1
        session.save("marker.py", f"# {number}\n")
        threading.Event().wait(0.02)
    session.wait_until_serving(restart=2)


def test_request_in_flight_is_finished_by_the_old_worker(project: Path) -> None:
    os.mkfifo(project / "gate")
    (project / "app.py").write_text(BLOCKING_APP.replace("VERSION", "'old'"))
    with DevSession(project) as session, ThreadPoolExecutor() as pool:
        session.wait_until_serving()
        slow = pool.submit(session.get, "/slow")
        # Opening for writing waits until the view reads.
        with (project / "gate").open("w") as gate:
            session.save("app.py", BLOCKING_APP.replace("VERSION", "'new'"))
            meanwhile = session.get("/").body
            gate.write("go on")
        finished = slow.result(10).body

    assert (meanwhile, finished) == ("new", "old")


def test_kept_alive_connection_gets_new_code_after_a_save(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        connection = http.client.HTTPConnection("127.0.0.1", session.port, timeout=5)
        answers = []
        for version in (1, 2, 3):
            save_version(session, version)
            connection.request("GET", "/")
            answers.append(connection.getresponse().read())
        connection.close()

    assert answers == [b"000001", b"000002", b"000003"]


def test_connection_made_before_the_save_and_used_after_it_gets_new_code(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        assert session.get().body == "000001"
        with socket.create_connection(("127.0.0.1", session.port), timeout=5) as early:
            assert session.get().body == "000001"
            save_version(session, 2)
            assert session.get().body == "000002"
            early.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = early.makefile("rb").read()

    assert answer.endswith(b"000002")


def test_half_a_request_head_sent_before_the_save_is_answered(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        session.wait_until_serving()
        with socket.create_connection(("127.0.0.1", session.port), timeout=5) as half:
            half.sendall(b"GET / HTTP/1.1\r\nHo")
            save_version(session, 2)
            assert session.get().body == "000002"
            half.sendall(b"st: x\r\nConnection: close\r\n\r\n")
            answer = half.makefile("rb").read()

    assert answer.endswith(b"000002")


@pytest.mark.parametrize(
    ("line", "shown"),
    [("app.debug = True", "ON"), ("app.debug = False", "OFF"), ("", "Unknown")],
)
def test_panel_shows_debug_mode_and_restart_number(project: Path, line: str, shown: str) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1) + f"\n{line}\n")
    with DevSession(project) as session:
        session.get()
        save_version(session, 2)
        session.get()
        session.stop()
        output = session.output

    assert f"│ Debug Mode: {shown:<26} │" in output
    assert f"│ Server: http://localhost:{session.port:<13} │" in output
    assert output.index("Restart: #1 ") < output.index(f"File changed: {project / 'app.py'}")
    assert output.index(">> Server restarting...") < output.index("Restart: #2 ")
    assert "restarted in" in output


def test_output_of_the_application_stands_in_order_and_before_its_request_line(
    project: Path,
) -> None:
    (project / "app.py").write_text(PRINTING_APP)
    with DevSession(project) as session:
        for number in range(3):
            session.get(f"/{number}")
        session.stop()
        lines = session.output.splitlines()

    # Without clock and duration, which differ.
    told = [
        " ".join(line.split(" ")[1:4]) if " GET " in line else line
        for line in lines
        if line.startswith(("view", "error")) or " GET " in line
    ]
    assert told == [
        text
        for number in range(3)
        for text in (f"view /{number}", f"error /{number}", f"GET /{number} 200")
    ]
    assert lines.index("imported") < lines.index(next(line for line in lines if " GET " in line))


def test_application_sees_the_current_directory_first_and_the_arguments(project: Path) -> None:
    (project / "app.py").write_text(ENVIRONMENT_APP)
    with DevSession(project) as session:
        path, argv, main = session.get().body.split("|")

    assert path == str(project)
    assert argv.endswith("run dev app:app --port 0")
    assert main == "False"


def test_factory_target_is_called(project: Path) -> None:
    (project / "app.py").write_text(
        "def create_app():\n"
        + "\n".join("    " + line for line in VERSIONED_APP.format(version=5).splitlines())
        + "\n    return app\n"
    )
    with DevSession(project, "app:create_app()") as session:
        # VERSION is a local of the factory now.
        assert session.get().body == "000005"


PACKAGE_APP = """\
from shop.views import TEXT

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [TEXT.encode()]
"""

LAZY_APP = """\
def app(environ, start_response):
    import lazy
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [lazy.TEXT.encode()]
"""

BLOCKING_APP = """\
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        with open("gate") as gate:
            gate.read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
"""

PRINTING_APP = """\
import sys
print("imported")

def app(environ, start_response):
    print("view", environ["PATH_INFO"])
    print("error", environ["PATH_INFO"], file=sys.stderr)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""

ENVIRONMENT_APP = """\
import sys

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    main = sys.modules["__main__"]
    return [f"{sys.path[0]}|{' '.join(sys.argv)}|{hasattr(main, 'app')}".encode()]
"""
