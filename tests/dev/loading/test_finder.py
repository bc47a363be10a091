"""Imports through the recording finder, in interpreters of their own."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

PRELUDE = """
import json, sys
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.user_code import UserCode
record = Record()
gate = Gate(record)
RecordingFinder(record, UserCode()).install()
sys.path.insert(0, {project!r})
def entries(kind):
    return sorted(e.path for e in record.entries() if e.kind is kind)
"""


def run(project: Path, code: str) -> Any:
    """Run `code` behind the finder; it leaves its answer in `answer`."""
    prelude = PRELUDE.format(project=str(project))
    program = prelude + textwrap.dedent(code) + "\nprint(json.dumps(answer))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        cwd="/",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def write(project: Path, **files: str) -> None:
    for name, text in files.items():
        path = project / (name.replace("__", "/", 1) + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_imported_user_files_are_recorded_and_installed_ones_are_not(tmp_path: Path) -> None:
    write(tmp_path, app="import json.tool, click, other\n", other="")

    modules = run(tmp_path, "import app; answer = entries(EntryKind.MODULE)")

    assert modules == [str(tmp_path / "app.py"), str(tmp_path / "other.py")]


def test_package_and_submodules_are_recorded(tmp_path: Path) -> None:
    write(tmp_path, shop___init__="", shop__views="from shop import models", shop__models="")
    (tmp_path / "shop" / "_init__.py").rename(tmp_path / "shop" / "__init__.py")

    modules = run(tmp_path, "import shop.views; answer = entries(EntryKind.MODULE)")

    names = ["shop/__init__.py", "shop/models.py", "shop/views.py"]
    assert modules == [str(tmp_path / name) for name in names]


def test_module_imported_in_vain_is_recorded_as_missing(tmp_path: Path) -> None:
    write(tmp_path, app="try:\n    import local_settings\nexcept ImportError:\n    pass\n")

    missing = run(tmp_path, "import app; answer = entries(EntryKind.MISSING_MODULE)")

    assert str(tmp_path / "local_settings") in missing


def test_missing_module_that_appears_makes_the_gate_stale(tmp_path: Path) -> None:
    write(tmp_path, app="try:\n    import local_settings\nexcept ImportError:\n    pass\n")

    answer = run(
        tmp_path,
        f"""
        import app, pathlib
        before = gate.is_fresh()
        pathlib.Path({str(tmp_path)!r}, "local_settings.py").touch()
        answer = [before, gate.is_fresh()]
        """,
    )

    assert answer == [True, False]


def test_installed_module_that_the_project_could_shadow_is_recorded_as_missing(
    tmp_path: Path,
) -> None:
    write(tmp_path, app="import click\n")

    missing = run(tmp_path, "import app; answer = entries(EntryKind.MISSING_MODULE)")

    assert str(tmp_path / "click") in missing


def test_namespace_package_is_found_and_its_init_is_missing(tmp_path: Path) -> None:
    write(tmp_path, space__inner="VALUE = 5\n")

    answer = run(
        tmp_path,
        """
        from space import inner
        answer = [inner.VALUE, entries(EntryKind.MODULE), entries(EntryKind.MISSING_MODULE)]
        """,
    )

    assert answer[:2] == [5, [str(tmp_path / "space" / "inner.py")]]
    assert str(tmp_path / "space" / "__init__") in answer[2]


def test_save_while_the_module_is_imported_makes_the_gate_stale(tmp_path: Path) -> None:
    write(tmp_path, app="import pathlib\npathlib.Path(__file__).write_text('import pathlib')\n")

    assert run(tmp_path, "import app; answer = gate.is_fresh()") is False


def test_pycache_is_neither_read_nor_written_for_user_code(tmp_path: Path) -> None:
    write(tmp_path, app="VALUE = 'fresh'\n")
    source = tmp_path / "app.py"
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import app"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    cached = list((tmp_path / "__pycache__").iterdir())
    before = source.stat()
    source.write_text("VALUE = 'other'\n")
    import os

    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))

    value = run(tmp_path, "import app; answer = app.VALUE")

    assert value == "other"
    assert list((tmp_path / "__pycache__").iterdir()) == cached


def test_finder_of_the_application_still_finds(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        """
        import importlib.util, importlib.abc
        class Invented(importlib.abc.Loader):
            def create_module(self, spec): return None
            def exec_module(self, module): module.VALUE = 7
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "invented":
                    return importlib.util.spec_from_loader(name, Invented())
        sys.meta_path.append(Finder())
        import invented
        answer = invented.VALUE
        """,
    )

    assert answer == 7


def test_traceback_and_inspect_see_the_source(tmp_path: Path) -> None:
    write(tmp_path, app="def view():\n    return 1\n")

    answer = run(tmp_path, "import app, inspect; answer = inspect.getsource(app.view)")

    assert answer == "def view():\n    return 1\n"


def test_module_in_an_archive_is_recorded_by_the_archive(tmp_path: Path) -> None:
    import zipfile

    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "VALUE = 3\n")

    answer = run(
        tmp_path,
        f"""
        sys.path.insert(0, {str(archive)!r})
        import zipped
        answer = [zipped.VALUE, entries(EntryKind.MODULE)]
        """,
    )

    assert answer == [3, [str(archive)]]
