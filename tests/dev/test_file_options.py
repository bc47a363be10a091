"""Files and folders that the user names: followed, left out, or restarting too often."""

from pathlib import Path

import pytest

from tests.dev.harness import DevSession

pytestmark = pytest.mark.processes

READS_DATA = """\
import subprocess, sys
DATA = open("{file}").read()


def app(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/write":
        # Not by this process, which would be noticed.
        code = "import sys; open(sys.argv[1], 'a').write('x')"
        subprocess.run([sys.executable, "-c", code, "{file}"], check=True)
    return [DATA.encode()]
"""
READS_NOTHING = """\
import os


def app(environ, start_response):
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_watch_file_when_changed_is_in_the_next_answer_wherever_it_lies(
    project: Path, is_there: bool
) -> None:
    outside = project.parent / "elsewhere" / "named.bin"
    if is_there:
        outside.parent.mkdir()
        outside.write_text("1")
    (project / "app.py").write_text(READS_NOTHING)
    with DevSession(project, "app:app", "--watch-file", str(outside)) as session:
        answers = [session.get().body, session.get().body]
        session.save(str(outside), "2")
        answers.append(session.get().body)

    assert answers[0] == answers[1] != answers[2]


def test_watch_file_when_changed_restarts_with_no_request(project: Path) -> None:
    outside = project.parent / "named"
    (project / "app.py").write_text(READS_NOTHING)
    options = ("--watch-file", "../named", "--debounce", "0.1")
    with DevSession(project, "app:app", *options) as session:
        session.wait_until_serving()
        for restart in (2, 3):
            session.save(str(outside), str(restart))
            session.wait_until_serving(restart)
        outside.unlink()
        session.wait_until_serving(4)

    assert session.count("stale") == 0


def test_watch_file_when_a_request_was_first_restarts_once(project: Path) -> None:
    named = project / "named"
    named.touch()
    (project / "app.py").write_text(READS_NOTHING)
    options = ("--watch-file", "named", "--debounce", "0.1")
    with DevSession(project, "app:app", *options) as session:
        session.get()
        named.unlink()
        session.get()
        # The watcher looks later, and what it tells is in the answer already.
        session.wait_for("changed", path=str(named))
        session.save("app.py", READS_NOTHING + "#")
        session.get()

    assert session.count("build_started") == 3


def test_static_dir_when_read_from_is_not_followed(project: Path) -> None:
    (project / "assets").mkdir()
    (project / "assets" / "site.css").write_text("old")
    (project / "app.py").write_text(READS_DATA.format(file="assets/site.css"))
    with DevSession(project, "app:app", "--static-dir", "assets") as session:
        answers = [session.get().body]
        session.save("assets/site.css", "new")
        answers.append(session.get().body)

    assert answers == ["old", "old"]


def test_unwatch_file_when_changed_restarts_nothing_unless_imported(project: Path) -> None:
    (project / "data.txt").write_text("old")
    (project / "app.py").write_text(READS_DATA.format(file="data.txt"))
    options = ("--unwatch-file", "data.txt", "--unwatch-file", "app.py", "--debounce", "0.1")
    with DevSession(project, "app:app", *options) as session:
        answers = [session.get().body]
        session.save("data.txt", "new")
        answers.append(session.get().body)
        session.save("app.py", READS_DATA.format(file="data.txt") + "#")
        answers.append(session.get().body)

    assert answers == ["old", "old", "new"]
    assert session.count("changed", path=str(project / "app.py")) == 0


def test_data_file_that_restarts_again_and_again_is_named_with_the_way_out(project: Path) -> None:
    data = project / "data.txt"
    data.write_text("")
    (project / "app.py").write_text(READS_DATA.format(file="data.txt"))
    with DevSession(project) as session:
        for _ in range(7):
            session.get("/write")
        named = session.wait_for("self_restarter")
        session.stop()
        output = session.output

    assert (named["path"], named["option"]) == (str(data), "--unwatch-file")
    assert output.count(f"start with --unwatch-file {data}") == 1


def test_imported_file_that_restarts_again_and_again_is_named_in_other_words(
    project: Path,
) -> None:
    (project / "part.py").write_text("")
    (project / "app.py").write_text("import part\n" + READS_NOTHING)
    with DevSession(project) as session:
        for number in range(6):
            session.save("part.py", f"x = {number}")
            session.get()
        named = session.wait_for("self_restarter")
        session.stop()
        output = session.output

    assert (named["path"], named["option"]) == (str(project / "part.py"), "")
    assert "only when the content differs" in output
    assert "--unwatch-file" not in output


def test_listed_folder_that_restarts_again_and_again_is_named_with_its_own_way_out(
    project: Path,
) -> None:
    (project / "plugs").mkdir()
    (project / "app.py").write_text("import os\nos.listdir('plugs')\n" + READS_NOTHING)
    with DevSession(project) as session:
        for number in range(6):
            session.save(f"plugs/{number}", "")
            session.get()
        named = session.wait_for("self_restarter")

    assert (named["path"], named["option"]) == (str(project / "plugs"), "--static-dir")
