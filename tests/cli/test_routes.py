"""`wiverno routes` as a process."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO

pytestmark = pytest.mark.processes

APP = """\
from wiverno import Router, Wiverno

app = Wiverno()


@app.get("/", name="home")
def show_home(request):
    return "home"


@app.route("/users/{id:int}", methods=["GET", "POST"])
def user(request):
    return "user"


def create():
    print("made")
    return app


empty = Wiverno()


def plain(environ, start_response):
    return []


router = Router()
whole = Wiverno()
whole.mount("/plain", plain)
"""


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    (folder / "run.py").write_text(APP)
    command = [*WIVERNO, "routes", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)


def test_routes_without_words_show_those_of_run_app_in_plain_columns(tmp_path: Path) -> None:
    done = run(tmp_path)

    assert done.stdout.splitlines() == [
        "METHODS    PATH             NAME  VIEW",
        "GET        /                home  run.py:6",
        "GET, POST  /users/{id:int}  user  run.py:11",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_routes_of_a_factory_keep_what_it_prints_out_of_the_table(tmp_path: Path) -> None:
    done = run(tmp_path, "run:create()")

    assert done.stdout.startswith("METHODS ")
    assert done.stderr == "made\n"


def test_routes_when_an_application_is_mounted_end_with_it(tmp_path: Path) -> None:
    done = run(tmp_path, "run:whole")

    assert done.stdout.splitlines() == [
        "METHODS  PATH      NAME  VIEW",
        "any      /plain/*  -     run.py:24",
    ]


def test_routes_as_json_are_one_object(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "run:create()", "--json").stdout)

    assert told["target"] == "run:create()"
    assert told["routes"][1] == {
        "methods": ["GET", "POST"],
        "path": "/users/{id:int}",
        "name": "user",
        "view": "run.user",
        "file": str(tmp_path / "run.py"),
        "line": 11,
    }


def test_routes_of_an_application_without_any_are_said_to_be_none(tmp_path: Path) -> None:
    done = run(tmp_path, "-a", "empty")

    assert (done.returncode, done.stdout) == (0, "run:empty has no routes.\n")
    assert json.loads(run(tmp_path, "-a", "empty", "--json").stdout)["routes"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run:plain"], "run:plain is a function, not a Wiverno application"),
        (["run:missing"], "has no attribute 'missing'"),
        (["nowhere:app"], "No module named 'nowhere'"),
        (["run:app", "-m", "run"], "Both APP ('run:app') and --app-module"),
    ],
)
def test_routes_of_what_is_no_application_are_one_line_and_exit_code_2(
    tmp_path: Path, words: list[str], told: str
) -> None:
    done = run(tmp_path, *words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_routes_of_a_module_that_fails_show_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")

    done = run(tmp_path, "broken:app")

    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "app_target.py" not in done.stderr


@pytest.mark.parametrize(("no_color", "is_coloured"), [("", True), ("1", False)])
def test_routes_are_coloured_in_a_terminal_only_where_that_is_wanted(
    tmp_path: Path, no_color: str, is_coloured: bool
) -> None:
    (tmp_path / "run.py").write_text(APP)
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [*WIVERNO, "routes"],
            cwd=tmp_path,
            stdout=theirs,
            env={**os.environ, "NO_COLOR": no_color},
            timeout=30,
            check=True,
        )
        shown = os.read(ours, 4096)
    finally:
        os.close(theirs)
        os.close(ours)

    assert b"run.py:6" in shown
    assert (b"\x1b[" in shown) is is_coloured
