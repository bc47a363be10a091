"""The page marks what changed since the version that served last."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dev.harness import (
    VERSIONED_APP,
    DevSession,
    processes_of_session,
    wait_until,
    wait_until_all_are_known,
)

pytestmark = pytest.mark.processes

APP = "from helper import half\n\nhalf(4)\n" + VERSIONED_APP.format(version=1)
HELPER = '''\
"""Numbers."""


def half(number):
    divisor = 2
    return number / divisor
'''
FAILS = HELPER.replace("divisor = 2", "divisor = 0")


def failing(page_body: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(page_body)
    return report


def changed_lines(report: dict[str, Any]) -> dict[str, list[int]]:
    """The marked lines of each frame's file, where there are any."""
    marked = {
        Path(frame["file"]).name: [line["number"] for line in frame["source"] if line["is_changed"]]
        for frame in report["frames"]
    }
    return {file: lines for file, lines in marked.items() if lines}


def ask(session: DevSession) -> dict[str, Any]:
    page = session.get(headers={"Accept": "application/json"})
    assert page.status == 500
    return failing(page.body)


def test_broken_line_of_a_helper_is_the_only_one_marked(project: Path) -> None:
    (project / "helper.py").write_text(HELPER)
    (project / "app.py").write_text(APP)
    with DevSession(project) as session:
        assert session.get().status == 200
        session.save("helper.py", FAILS)
        report = ask(session)
        text = session.get().body
        html = session.get(headers={"Accept": "text/html"}).body

    assert report["error"] == "ZeroDivisionError"
    assert changed_lines(report) == {"helper.py": [5]}
    assert "\n      5 +     divisor = 0\n>     6       return number / divisor\n" in text
    assert html.count('<span class="changed">') == 1


def test_syntax_error_is_marked(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "helper.py").write_text(HELPER)
    with DevSession(project) as session:
        assert session.get().status == 200
        session.save("helper.py", HELPER.replace("def half(number):", "def half(number:"))
        report = ask(session)

    assert changed_lines(report) == {"helper.py": [4]}


def test_at_the_first_start_nothing_is_marked(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "helper.py").write_text(FAILS)
    with DevSession(project) as session:
        report = ask(session)

    assert changed_lines(report) == {}
    assert report["changed_files"] == []


def test_second_break_is_compared_with_the_fix_and_not_with_the_start(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "helper.py").write_text(HELPER)
    fixed = HELPER.replace("Numbers.", "Numbers, halved.")
    broken_again = fixed.replace("return number", "return numbers")
    with DevSession(project) as session:
        assert session.get().status == 200
        session.save("helper.py", FAILS.replace("Numbers.", "Numbers, nearly."))
        first = ask(session)
        session.save("helper.py", FAILS.replace("Numbers.", "Numbers, still not."))
        still = ask(session)
        session.save("helper.py", fixed)
        assert session.get().status == 200
        session.save("helper.py", broken_again)
        second = ask(session)

    assert changed_lines(first) == changed_lines(still) == {"helper.py": [1, 5]}
    assert changed_lines(second) == {"helper.py": [6]}


def test_change_that_no_frame_shows_is_listed(project: Path) -> None:
    (project / "app.py").write_text("import settings\nfrom helper import half\n" + APP)
    (project / "settings.py").write_text("DIVISOR = 2\n")
    (project / "helper.py").write_text(
        "import settings\n\n\ndef half(number):\n    return number / settings.DIVISOR\n"
    )
    with DevSession(project) as session:
        assert session.get().status == 200
        session.save("settings.py", "DIVISOR = 0\n")
        report = ask(session)

    assert changed_lines(report) == {}
    (file,) = report["changed_files"]
    assert file["file"] == str(project / "settings.py")
    assert [(line["number"], line["is_changed"]) for line in file["source"]] == [(1, True)]


def test_death_of_a_candidate_lists_what_changed(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "helper.py").write_text(HELPER)
    with DevSession(project) as session:
        assert session.get().status == 200
        session.save("helper.py", "import os\nos._exit(3)\n" + HELPER)
        report = ask(session)

    assert report["error"] == "ProcessDied"
    assert [Path(file["file"]).name for file in report["changed_files"]] == ["helper.py"]


def test_descriptors_of_the_supervisor_do_not_grow_with_restarts(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "helper.py").write_text(HELPER)
    counts = []
    with DevSession(project) as session:
        assert session.get().status == 200
        for round_number in range(6):
            session.save("helper.py", f"{FAILS}# {round_number}\n")
            assert session.get().status == 500
            session.save("helper.py", f"{HELPER}# {round_number}\n")
            assert session.get().status == 200
            generation = session.wait_until_serving(round_number + 2)["generation"]
            for older in range(1, generation):
                session.wait_for("exited", process="worker", generation=older)
            wait_until_all_are_known(session)
            counts.append(descriptors_but_for_processes(session))
        wait_until(
            lambda: descriptors_but_for_processes(session) <= counts[0] + 1,
            f"after each round: {counts}; not more than at first",
        )


def descriptors_but_for_processes(session: DevSession) -> int:
    """Templates and snapshots come and go: of each process there is a channel and a pidfd."""
    of_processes = 2 * len(processes_of_session(session.session_id))
    return sum(1 for _ in Path(f"/proc/{session.process.pid}/fd").iterdir()) - of_processes


def test_traceback_of_an_old_worker_shows_the_line_that_it_runs(project: Path) -> None:
    (project / "app.py").write_text(
        "import os, traceback\n"
        "def app(environ, start_response):\n"
        "    with open('routes.py', 'w') as file:\n"
        "        file.write('# else\\n' * 20)\n"
        "    try:\n"
        "        from_old()\n"
        "    except ZeroDivisionError:\n"
        "        text = traceback.format_exc()\n"
        "    start_response('200 OK', [])\n"
        "    return [text.encode()]\n"
        "from routes import from_old\n"
    )
    (project / "routes.py").write_text("def from_old():\n    return 1 / 0  # the old line\n")
    with DevSession(project) as session:
        answer = session.get()

    assert "return 1 / 0  # the old line" in answer.body
