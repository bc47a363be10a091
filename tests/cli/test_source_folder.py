"""When `src` goes on the import path, and that development and production have it there."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO, RunningProgram, free_port
from wiverno.cli.source_folder import needed_source_folder
from wiverno.core.app_target import parse

APP = """\
from shop.data import NAME

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [NAME.encode()]
"""
SHOP = {
    "src/shop/__init__.py": "",
    "src/shop/data.py": "NAME = 'first'\n",
    "src/shop/main.py": APP,
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("target", "files", "reason"),
    [
        ("shop.main", SHOP, "shop lies in it"),
        # With its name closest to it the error can say what was meant.
        ("shop.mian", SHOP, "shop lies in it"),
        ("shop.main", {"src/shop/main.py": APP}, "shop lies in it"),
        ("run", {**SHOP, "run.py": "from shop.main import app"}, "run.py imports shop from there"),
        ("src.shop.main", SHOP, "src/shop/main.py imports shop from there"),
        # It can be imported without, or not at all.
        ("run", {**SHOP, "run.py": "import os"}, None),
        ("run", {**SHOP, "run.py": "import broken ("}, None),
        ("shop.main", {**SHOP, "shop/__init__.py": ""}, None),
        ("shop.main", {**SHOP, "src/__init__.py": ""}, None),
        ("shop.main", {"shop/main.py": ""}, None),
        ("store", SHOP, None),
        ("run", {"run.py": "import json", "src/json.py": ""}, None),
    ],
)
def test_source_folder_when_the_application_needs_it_is_given_with_the_reason(
    tmp_path: Path, target: str, files: Mapping[str, str], reason: str | None
) -> None:
    found = needed_source_folder(parse(target), write(tmp_path, files))

    if reason is None:
        assert found is None
    else:
        assert found == (str(tmp_path / "src"), reason)
        assert found.line == f"src is on the import path: {reason}."


def test_source_folder_when_the_package_is_installed_leads_in_development_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write(tmp_path / "project", SHOP)
    write(tmp_path / "installed", {"shop/__init__.py": ""})
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "installed")])
    target = parse("shop.main")

    assert needed_source_folder(target, project) is not None
    assert needed_source_folder(target, project, for_production=True) is None


def test_source_folder_when_it_is_on_the_path_already_is_left_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SHOP)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src")])

    assert needed_source_folder(parse("shop.main"), tmp_path) is None


@pytest.mark.processes
@pytest.mark.parametrize(("strategy", "words"), [("fork", ()), ("spawn", ("shop.main:app",))])
def test_dev_of_a_package_in_src_serves_every_change(
    tmp_path: Path, strategy: str, words: tuple[str, ...]
) -> None:
    write(tmp_path, SHOP)
    port = free_port()
    command = [*WIVERNO, "run", "dev", *words, "-p", str(port), "--reload-strategy", strategy]

    with RunningProgram(command, tmp_path) as program:
        assert program.get(port) == (200, "first")
        # From a bare template, the template, and snapshots.
        for word in ("second", "third", "fourth"):
            write(tmp_path, {"src/shop/data.py": f"NAME = '{word}'\n"})
            assert program.get(port) == (200, word)
        assert program.end() == 0
        assert "src is on the import path: shop lies in it.\n" in program.output


@pytest.mark.processes
@pytest.mark.parametrize("words", [(), ("shop.main:app",)])
def test_prod_of_a_package_in_src_serves_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    write(tmp_path, SHOP)
    port = free_port()

    with RunningProgram([*WIVERNO, "run", "prod", *words, "-p", str(port)], tmp_path) as program:
        assert program.get(port) == (200, "first")
        assert program.end() == 0


@pytest.mark.processes
def test_prod_when_the_module_in_src_is_misspelt_says_which_is_meant(tmp_path: Path) -> None:
    write(tmp_path, SHOP)

    done = subprocess.run(
        [*WIVERNO, "run", "prod", "shop.mian"],
        cwd=tmp_path, capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.endswith("Did you mean 'shop.main'?\n")


@pytest.mark.processes
def test_imports_of_a_package_in_src_shows_its_modules(tmp_path: Path) -> None:
    write(tmp_path, SHOP)

    done = subprocess.run(
        [*WIVERNO, "imports", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert '"target": "shop.main:app", "failure": null' in done.stdout
