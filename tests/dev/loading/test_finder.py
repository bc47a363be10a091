"""Imports through the recording finder, in interpreters of their own."""

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

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


INVENTED = """
        import importlib.util, importlib.abc
        class Invented(importlib.abc.Loader):
            def create_module(self, spec): return None
            def exec_module(self, module): module.VALUE = 7
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "invented":
                    return importlib.util.spec_from_loader(name, Invented())
"""


def run(project: Path, code: str, **environment: str) -> Any:
    """Run `code` behind the finder; it leaves its answer in `answer`."""
    prelude = PRELUDE.format(project=str(project))
    program = prelude + textwrap.dedent(code) + "\nprint(json.dumps(answer))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        cwd="/",
        env=os.environ | environment,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def touch(path: Path) -> str:
    """A statement that creates an empty file."""
    return f"open({str(path)!r}, 'w').close()"


def write(project: Path, **files: str) -> None:
    """Write `shop/views.py` for `shop__views`, and `shop/__init__.py` for `shop___init__`."""
    for name, text in files.items():
        package = name.removesuffix("___init__")
        place = name.replace("__", "/", 1) if package == name else f"{package}/__init__"
        path = project / f"{place}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_imported_user_files_are_recorded_and_installed_ones_are_not(tmp_path: Path) -> None:
    write(tmp_path, app="import json.tool, click, other\n", other="")

    modules = run(tmp_path, "import app; answer = entries(EntryKind.MODULE)")

    assert modules == [str(tmp_path / "app.py"), str(tmp_path / "other.py")]


def test_package_and_submodules_are_recorded(tmp_path: Path) -> None:
    write(tmp_path, shop___init__="", shop__views="from shop import models", shop__models="")

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

    missing = run(tmp_path, "import app; answer = entries(EntryKind.MISSING_REGULAR_MODULE)")

    assert str(tmp_path / "click") in missing


@pytest.mark.parametrize("appearing", ["space/__init__.py", "space.py"])
def test_namespace_package_is_found_and_a_regular_module_in_its_place_is_stale(
    tmp_path: Path, appearing: str
) -> None:
    write(tmp_path, space__inner="VALUE = 5\n")

    answer = run(
        tmp_path,
        f"""
        from space import inner
        answer = [inner.VALUE, entries(EntryKind.MODULE), gate.is_fresh()]
        {touch(tmp_path / appearing)}
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [5, [str(tmp_path / "space" / "inner.py")], True, False]


def test_bare_directory_named_like_an_installed_package_is_no_find(tmp_path: Path) -> None:
    """`alembic init alembic`: a file created beside it is no change of the import."""
    write(tmp_path, app="import click\n")
    (tmp_path / "click").mkdir()

    answer = run(
        tmp_path,
        f"""
        import app
        {touch(tmp_path / "app.db-journal")}
        answer = [gate.is_fresh()]
        {touch(tmp_path / "click" / "__init__.py")}
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [True, False]


def test_path_entry_with_parents_is_where_its_modules_lie(tmp_path: Path) -> None:
    write(tmp_path, pkg___init__="", lib__helper="")

    answer = run(
        tmp_path,
        f"""
        sys.path.insert(0, {f"{tmp_path}/pkg/../lib"!r})
        import helper
        answer = [gate.is_fresh()]
        {touch(tmp_path / "lib" / "cache.tmp")}
        answer += [gate.is_fresh(), entries(EntryKind.MODULE)]
        """,
    )

    assert answer == [True, True, [str(tmp_path / "lib" / "helper.py")]]


def test_path_entry_with_a_parent_after_a_link_is_where_the_system_goes(tmp_path: Path) -> None:
    write(tmp_path, real__helper="")
    (tmp_path / "real" / "inner").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")

    answer = run(
        tmp_path,
        f"""
        sys.path.insert(0, {f"{tmp_path}/link/.."!r})
        import helper
        answer = [gate.is_fresh()]
        {touch(tmp_path / "real" / "helper.so")}
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [True, False]


def test_module_that_loses_to_a_finder_in_front_is_no_dependency(tmp_path: Path) -> None:
    write(tmp_path, invented="VALUE = 1\n")

    answer = run(
        tmp_path,
        INVENTED
        + f"""
        sys.meta_path.insert(1, Finder())
        import invented
        {touch(tmp_path / "unrelated.txt")}
        answer = [invented.VALUE, gate.is_fresh()]
        """,
    )

    assert answer == [7, True]


def test_bare_directory_wins_over_a_finder_behind_the_path(tmp_path: Path) -> None:
    """An editable install is found last: a directory of its name makes a namespace package."""
    answer = run(
        tmp_path,
        INVENTED
        + f"""
        import os
        sys.meta_path.append(Finder())
        import invented
        answer = [invented.VALUE, gate.is_fresh()]
        os.mkdir({str(tmp_path / "invented")!r})
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [7, True, False]


def test_package_created_beside_a_loaded_module_is_stale(tmp_path: Path) -> None:
    write(tmp_path, foo="")

    answer = run(
        tmp_path,
        f"""
        import foo, os
        answer = [gate.is_fresh()]
        os.mkdir({str(tmp_path / "foo")!r})
        answer.append(gate.is_fresh())
        {touch(tmp_path / "foo" / "__init__.py")}
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [True, True, False]


def test_module_that_was_only_looked_for_and_is_deleted_is_stale(tmp_path: Path) -> None:
    write(tmp_path, plug="")

    answer = run(
        tmp_path,
        f"""
        import importlib.util, os
        found = importlib.util.find_spec("plug") is not None
        answer = [found, gate.is_fresh()]
        os.unlink({str(tmp_path / "plug.py")!r})
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [True, True, False]


@pytest.mark.parametrize("name", ["plug.py", "plug/__init__.py"])
def test_module_that_is_away_only_while_it_is_looked_for_is_stale(
    tmp_path: Path, name: str
) -> None:
    """As `git checkout` writes: it deletes a file and creates it again."""
    (tmp_path / "plug").mkdir()
    (tmp_path / name).touch()

    answer = run(
        tmp_path,
        f"""
        import importlib, importlib.util, os
        from importlib.machinery import PathFinder
        class Checkout:
            def find_spec(self, name, path=None, target=None):
                if name == "plug":
                    os.unlink({str(tmp_path / name)!r})
                    importlib.invalidate_caches()
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Checkout())
        found = importlib.util.find_spec("plug")
        {touch(tmp_path / name)}
        answer = [found is None or found.loader is None, gate.is_fresh()]
        """,
    )

    assert answer[1] is False


def test_user_module_imported_before_the_finder_stood_is_recorded(tmp_path: Path) -> None:
    write(tmp_path, sitecustomize="import settings\n", settings="")

    modules = run(tmp_path, "answer = entries(EntryKind.MODULE)", PYTHONPATH=str(tmp_path))

    assert modules == [str(tmp_path / "settings.py"), str(tmp_path / "sitecustomize.py")]


def test_one_file_under_two_names_with_a_save_in_between_is_stale(tmp_path: Path) -> None:
    write(tmp_path, pkg___init__="", pkg__m="VALUE = 1\n")

    answer = run(
        tmp_path,
        f"""
        import pathlib
        sys.path.insert(0, {str(tmp_path / "pkg")!r})
        import m as one
        pathlib.Path(one.__file__).write_text("VALUE = 2")
        import pkg.m as two
        answer = [one.VALUE, two.VALUE, gate.is_fresh()]
        """,
    )

    assert answer == [1, 2, False]


@pytest.mark.parametrize("entry", ["None", "b'/tmp'", "42"])
def test_path_entry_that_is_no_text_is_passed_over(tmp_path: Path, entry: str) -> None:
    write(tmp_path, helper="VALUE = 5\n")

    answer = run(tmp_path, f"sys.path.insert(0, {entry}); import helper; answer = helper.VALUE")

    assert answer == 5


def test_import_works_where_the_current_directory_is_gone(tmp_path: Path) -> None:
    write(tmp_path, helper="VALUE = 5\n")
    (tmp_path / "gone").mkdir()

    answer = run(
        tmp_path,
        f"""
        import os
        os.chdir({str(tmp_path / "gone")!r})
        os.rmdir({str(tmp_path / "gone")!r})
        import helper
        answer = helper.VALUE
        """,
    )

    assert answer == 5


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
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))

    value = run(tmp_path, "import app; answer = app.VALUE")

    assert value == "other"
    assert list((tmp_path / "__pycache__").iterdir()) == cached


def test_finder_of_the_application_still_finds(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        INVENTED
        + """
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


@pytest.mark.parametrize("is_relative", [False, True])
def test_module_in_an_archive_is_recorded_by_the_archive(tmp_path: Path, is_relative: bool) -> None:
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "VALUE = 3\n")

    answer = run(
        tmp_path,
        f"""
        import os
        os.chdir({str(tmp_path)!r})
        sys.path.insert(0, {"library.zip" if is_relative else str(archive)!r})
        import zipped
        os.chdir("/")
        answer = [zipped.VALUE, entries(EntryKind.MODULE), gate.is_fresh()]
        {touch(archive)}
        answer.append(gate.is_fresh())
        """,
    )

    assert answer == [3, [str(archive)], True, False]
