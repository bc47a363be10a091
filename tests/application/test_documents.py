"""What the pages show is what happens."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.console import Console
from tests.application.documents import ROOT, Block, Program, blocks_of, sections_of, write_file

NOTES = ROOT / "examples" / "notes"
SECTIONS = sections_of("docs/application.md")
# Where the reader's clock, disk or taste decides.
NOT_OF_THE_TUTORIAL = {"README.md"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, whose modules can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and is_below(name, tmp_path):
            del sys.modules[name]


def is_below(module: str, folder: Path) -> bool:
    return Path(str(sys.modules[module].__file__)).is_relative_to(folder)


@pytest.mark.parametrize(("heading", "blocks"), SECTIONS, ids=[heading for heading, _ in SECTIONS])
def test_application_page_when_run_gives_what_it_shows(
    heading: str, blocks: list[Block], folder: Path
) -> None:
    program = Program()
    for block in blocks:
        if block.file_name:
            write_file(block, folder)
        else:
            program.run(block)


@pytest.mark.processes
def test_tutorial_when_followed_shows_what_it_says_and_ends_as_the_example(
    tmp_path: Path,
) -> None:
    with Console(tmp_path) as console:
        for block in blocks_of("docs/tutorial.md"):
            if block.kind == "console":
                console.run(block)
            else:
                write_file(block, console.folder)

    (console.folder / "templates" / "index.html").unlink()
    assert files_of(console.folder) == files_of(NOTES)


def files_of(project: Path) -> dict[str, str]:
    """What is written in a project by hand, as text."""
    made = {"__pycache__", "data", ".pytest_cache"}
    return {
        str(path.relative_to(project)): path.read_text()
        for path in project.rglob("*")
        if path.is_file()
        and not made & set(path.relative_to(project).parts)
        and path.name not in NOT_OF_THE_TUTORIAL
    }


def test_readme_application_when_run_answers(folder: Path) -> None:
    program = Program()
    for block in blocks_of("README.md"):
        program.run(block)

    with program.names["app"].test_client() as client:
        assert client.get("/hello/you").text == "Hello, you"
