"""Rules of the house that no tool of its own holds."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "wiverno"
MODULES = sorted(SOURCE.rglob("*.py"))
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base"}


def names(modules: list[Path]) -> list[str]:
    return [str(module.relative_to(SOURCE)) for module in modules]


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES, ids=names(MODULES))
def test_nothing_inside_imports_the_front_door(module: Path) -> None:
    assert "wiverno" not in set(imported(module))


@pytest.mark.parametrize("module", MODULES, ids=names(MODULES))
def test_module_opens_with_what_lives_here(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text()))

    assert docstring
    assert "TODO" not in docstring


def test_module_names_say_something() -> None:
    assert not [name for name in names(MODULES) if Path(name).stem in NAMES_THAT_SAY_NOTHING]


def test_modules_stay_below_four_hundred_lines() -> None:
    lengths = {str(module): len(module.read_text().splitlines()) for module in MODULES}

    assert not {name: length for name, length in lengths.items() if length > 400}


def test_nothing_in_the_source_sleeps() -> None:
    assert not [module for module in MODULES if re.search(r"\btime\.sleep\b", module.read_text())]


def test_one_file_in_the_source_forks() -> None:
    forking = [module for module in MODULES if re.search(r"\bos\.fork\b", module.read_text())]

    assert names(forking) == ["dev/processes/spawn.py"]


def test_version_is_in_the_changelog() -> None:
    changelog = (SOURCE.parents[1] / "CHANGELOG.md").read_text()
    version = re.search(r'__version__ = "(.+)"', (SOURCE / "version.py").read_text())

    assert version is not None
    assert f"## {version[1]}" in changelog
