"""`wiverno new`: what it makes, and that it overwrites nothing."""

import ast
import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.application.running_program import WIVERNO, RunningProgram, free_port
from wiverno.cli.commands import wiverno
from wiverno.cli.failures import UserError
from wiverno.cli.new_project import check_name, project_files

FILES = {
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "requirements.txt",
    "run.py",
    "static/style.css",
    "templates/index.html",
    "tests/test_app.py",
}


def new(folder: Path, name: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(wiverno, ["new", name])


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def files_in(folder: Path) -> set[str]:
    return {path for path in everything_in(folder) if (folder / path).is_file()}


def test_new_project_has_its_files_and_nothing_stands_beside_it(tmp_path: Path) -> None:
    result = new(tmp_path, "shop")

    assert result.exit_code == 0
    assert files_in(tmp_path) == {f"shop/{path}" for path in FILES}
    assert list(tmp_path.iterdir()) == [tmp_path / "shop"]


def test_new_project_is_told_with_what_to_do_next(tmp_path: Path) -> None:
    lines = [line.strip() for line in new(tmp_path, "shop").output.splitlines()]

    assert lines[0] == "Made shop:"
    assert set(lines[1 : 1 + len(FILES)]) == FILES
    assert lines.index("cd shop") == lines.index("Next:") + 1
    assert any(line.startswith("wiverno run dev") for line in lines)


def test_new_project_names_itself_and_leaves_no_placeholder() -> None:
    files = project_files("café-2.0")

    assert set(files) == FILES
    assert "PROJECT_NAME" not in "".join(files.values())
    assert 'project="café-2.0"' in files["run.py"]
    assert files["README.md"].startswith("# café-2.0\n")
    for path in ("run.py", "tests/test_app.py"):
        ast.parse(files[path])


def test_new_project_lets_the_files_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        new(tmp_path, "shop")
    finally:
        os.umask(before)

    assert (tmp_path / "shop").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "shop" / "run.py").stat().st_mode & 0o777 == 0o640


def test_new_project_may_take_a_folder_that_is_empty(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()

    assert new(tmp_path, "shop").exit_code == 0
    assert (tmp_path / "shop" / "run.py").exists()


def expect_refusal(result: Result, told: str) -> None:
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert told in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("inside", [".hidden", "run.py"])
def test_new_project_in_a_folder_with_files_is_refused_and_changes_nothing(
    tmp_path: Path, inside: str
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / inside).write_text("mine")

    expect_refusal(new(tmp_path, "shop"), "The folder 'shop' is there already, and not empty")
    assert everything_in(tmp_path) == {"shop", f"shop/{inside}"}
    assert (tmp_path / "shop" / inside).read_text() == "mine"


def test_new_project_on_a_file_is_refused_and_leaves_it(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")

    expect_refusal(new(tmp_path, "shop"), "'shop' is there already, and no folder")
    assert (tmp_path / "shop").read_text() == "mine"


def test_new_project_on_a_link_is_refused_and_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shop").symlink_to("elsewhere")
    (tmp_path / "lost").symlink_to("nowhere")

    expect_refusal(new(tmp_path, "shop"), "'shop' is there already, and no folder")
    expect_refusal(new(tmp_path, "lost"), "'lost' is there already, and no folder")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../shop", "a/b", "/shop", "a\\b", "1shop", "_shop", ".shop", "shop."),
        *("my shop", "shop\n", "a<b", "a'b", "a{{b}}", "a\0b", "-", "a" * 65),
    ],
)
def test_new_project_with_a_bad_name_is_refused_and_writes_nothing(
    tmp_path: Path, name: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(inside)
        result = CliRunner().invoke(wiverno, ["new", "--", name])

    expect_refusal(result, "is not a name for a project")
    assert everything_in(tmp_path) == {"inside"}


@given(st.text(st.sampled_from("aZé9-_. /\\\n\0<&'\"${~"), max_size=8) | st.text(max_size=70))
def test_name_that_is_taken_is_one_folder_and_needs_no_quoting(name: str) -> None:
    try:
        check_name(name)
    except UserError:
        return
    assert Path(name).parts == (name,)
    assert name not in (".", "..")
    assert html.escape(name) == name
    assert ast.literal_eval(f'"{name}"') == name
    assert not set(name) & set(" \t\n$`;&|*?[]()~#!=%^:,")
    assert name[0] not in "-."


@pytest.mark.processes
def test_new_project_that_the_disk_does_not_take_leaves_nothing(tmp_path: Path) -> None:
    # No file may grow beyond one block, which the style does; nor may bytecode be cut off there.
    program = [sys.executable, "-B", "-m", "wiverno", "new", "shop"]
    command = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)

    assert done.returncode == 2
    assert done.stderr == (
        "Error: The folder 'shop' cannot be made: File too large. Nothing was written.\n"
    )
    assert not everything_in(tmp_path)


def test_new_project_in_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(gone)
        gone.rmdir()
        result = CliRunner().invoke(wiverno, ["new", "shop"])

    expect_refusal(result, "cannot be made: No such file or directory")


@pytest.mark.processes
def test_new_project_runs_and_its_tests_pass(tmp_path: Path) -> None:
    subprocess.run([*WIVERNO, "new", "shop"], cwd=tmp_path, check=True, timeout=30)
    project = tmp_path / "shop"
    port = free_port()

    tests = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    with RunningProgram([*WIVERNO, "run", "dev", "-p", str(port)], project) as program:
        status, page = program.get(port)
        style = program.get(port, "/static/style.css")
        answer = program.get(port, "/api/hello/world")
        assert program.end() == 0

    assert "3 passed" in tests.stdout, tests.stdout + tests.stderr
    assert status == 200
    assert "<h1>shop</h1>" in page
    assert 'href="/static/style.css"' in page
    assert style == (200, (project / "static" / "style.css").read_text())
    assert (answer[0], json.loads(answer[1])) == (200, {"hello": "world"})
