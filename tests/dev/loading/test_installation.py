"""Anything that may change what an import of installed code gives is a change of installation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wiverno.dev.loading.installation import Installation, watched_directories, watched_files

CHANGES: dict[str, Callable[[Path], object]] = {
    "new package": lambda site: (site / "flask").mkdir(),
    "new module": lambda site: (site / "six.py").touch(),
    "removed": lambda site: (site / "old-1.0.dist-info").rmdir(),
    "upgraded": lambda site: (site / "old-1.0.dist-info").rename(site / "old-1.1.dist-info"),
    "installed again": lambda site: replace(site / "old-1.0.dist-info"),
    "path file in place": lambda site: (site / "paths.pth").write_text("/somewhere\n"),
    "new path file": lambda site: (site / "more.pth").touch(),
    "directory gone": lambda site: site.rename(site.parent / "moved"),
    "interpreter": lambda site: (site.parent / "python").write_text("another"),
    "settings": lambda site: (site.parent / "pyvenv.cfg").write_text("home = /usr\n"),
}


def replace(folder: Path) -> None:
    folder.rmdir()
    folder.mkdir()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site-packages"
    (site / "old-1.0.dist-info").mkdir(parents=True)
    (site / "paths.pth").write_text("")
    (tmp_path / "python").write_text("binary")
    return site


def look(site: Path) -> Installation:
    files = [str(site.parent / name) for name in ("python", "pyvenv.cfg")]
    return Installation([str(site), str(site.parent / "absent")], files)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_installation_when_it_changes_says_what(
    site: Path, change: Callable[[Path], object]
) -> None:
    installation = look(site)
    digest = installation.digest()

    change(site)

    assert installation.first_change() is not None
    assert look(site).digest() != digest


def test_installation_when_nothing_changes_stays(site: Path) -> None:
    installation = look(site)

    assert installation.first_change() is None
    assert look(site).digest() == installation.digest()


def test_bytecode_that_the_interpreter_writes_is_no_change(site: Path) -> None:
    installation = look(site)

    (site / "__pycache__").mkdir()

    assert installation.first_change() is None
    assert look(site).digest() == installation.digest()
    assert installation.first_change() is None


def test_directory_that_appears_later_is_a_change(site: Path) -> None:
    installation = look(site)

    (site.parent / "absent").mkdir()
    (site.parent / "absent" / "six.py").touch()

    assert installation.first_change() == str(site.parent / "absent" / "six.py")


def test_paths_that_are_watched_are_installed_code_and_what_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, mine = tmp_path / "site-packages", tmp_path / "mine"
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.syspath_prepend(str(mine))

    directories, files = watched_directories(), watched_files()

    assert str(installed) in directories
    assert str(mine) not in directories
    assert str(mine / "sitecustomize.py") in files
    assert any(path.endswith("pyvenv.cfg") for path in files)
