"""Modules under way, the points between their segments, and going on with other files."""

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wiverno.dev.decisions.placement import Place
from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.execution import Execution, Point, Unfit
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.loader import RecordedSources
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.user_code import UserCode


class Importing:
    """Imports modules of one folder by an execution of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        record = Record()
        sources = RecordedSources(record)
        self.execution = Execution(sources.read, CodeCache())
        self.finder = RecordingFinder(record, UserCode(()), sources, self.execution)
        self.points: list[Point] = []
        self.execution.on_point = self.points.append

    def write(self, **sources: str) -> None:
        for name, source in sources.items():
            (self.folder / f"{name}.py").write_text(source)

    def at(self, name: str, place: Place, *, do: Callable[[], object]) -> None:
        """Do something in that point, once."""

        def reached(point: Point) -> None:
            self.points.append(point)
            if (Path(point.path).stem, point.place) == (name, place):
                self.execution.on_point = self.points.append
                do()

        self.execution.on_point = reached

    @property
    def places(self) -> list[tuple[str, Place, bool]]:
        return [(Path(each.path).stem, each.place, each.is_entry) for each in self.points]


@pytest.fixture
def importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Importing]:
    importing = Importing(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [importing.finder, *sys.meta_path])
    before = set(sys.modules)
    yield importing
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def load(name: str) -> ModuleType:
    return __import__(name)


def test_points_of_an_import_are_told_in_its_order(importing: Importing) -> None:
    importing.write(
        entry="import os\nimport leaf\nX = 1\nimport other\n", leaf="Y = 1\n", other="import os\n"
    )

    load("entry")

    assert importing.places == [
        ("entry", Place.BEFORE, True),
        ("leaf", Place.BEFORE, False),
        ("entry", Place.BEHIND_IMPORTS, True),
        ("other", Place.BEFORE, False),
        ("other", Place.BEHIND_IMPORTS, False),
        ("entry", Place.BEHIND_IMPORTS, True),
    ]


def test_modules_under_way_are_told_from_the_outermost(importing: Importing) -> None:
    seen: list[list[tuple[str, int]]] = []
    importing.write(entry="import inner\n", inner="A = 1\nimport leaf\nB = 2\n", leaf="")
    importing.at(
        "leaf",
        Place.BEFORE,
        do=lambda: seen.append(
            [(Path(each.path).stem, each.end) for each in importing.execution.under_way]
        ),
    )

    load("entry")

    assert seen == [
        [("entry", len("import inner\n")), ("inner", len("A = 1\nimport leaf\n")), ("leaf", 0)]
    ]
    assert importing.execution.under_way == ()


def test_modules_under_way_after_an_error_are_none(importing: Importing) -> None:
    importing.write(entry="try:\n    import broken\nexcept ZeroDivisionError:\n    X = 1\n")
    importing.write(broken="import os\n1 / 0\n")

    assert load("entry").X == 1
    assert importing.execution.under_way == ()


def test_rest_that_has_changed_is_executed_as_it_is_now(importing: Importing) -> None:
    importing.write(entry="import leaf\nVALUE = 'old'\n", leaf="")
    verdicts: list[Unfit | None] = []

    def change() -> None:
        importing.write(entry="import leaf\nVALUE = 'new'\nimport os\n")
        verdicts.append(importing.execution.go_on_elsewhere())

    importing.at("entry", Place.BEHIND_IMPORTS, do=change)

    module = load("entry")

    assert verdicts == [None]
    assert module.VALUE == "new"
    assert hasattr(module, "os")


def test_rest_of_each_module_under_way_may_change(importing: Importing) -> None:
    importing.write(entry="import inner\nX = 'old'\n", inner="import leaf\nY = 'old'\n", leaf="")

    def change() -> None:
        importing.write(entry="import inner\nX = 'new'\n", inner="import leaf\nY = 'new'\n")
        importing.write(leaf="Z = 'new'\n")
        assert importing.execution.go_on_elsewhere() is None

    importing.at("leaf", Place.BEFORE, do=change)

    module = load("entry")

    assert (module.X, module.inner.Y, module.inner.leaf.Z) == ("new", "new", "new")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ("import os, leaf\nVALUE = 1\n", "has changed"),
        ("\nimport leaf\nVALUE = 1\n", "has changed"),
        ("", "has changed"),
        ("import leaf; VALUE = 1\n", "has changed"),
        ("import leaf\nVALUE = (\n", "cannot be compiled"),
        ("import leaf\nreturn\n", "cannot be compiled"),
        ("import leaf\nVALUE = '\0'\n", "cannot be compiled"),
        ("import leaf\nfrom __future__ import annotations\n", "has changed"),
    ],
)
def test_module_that_cannot_go_on_says_why(importing: Importing, changed: str, why: str) -> None:
    importing.write(entry="import leaf\nVALUE = 'old'\n", leaf="")
    verdicts: list[Unfit | None] = []

    def change() -> None:
        importing.write(entry=changed)
        verdicts.append(importing.execution.go_on_elsewhere())

    importing.at("entry", Place.BEHIND_IMPORTS, do=change)
    load("entry")

    assert verdicts[0] is not None
    assert verdicts[0].why.endswith(why)
    assert "entry.py" in verdicts[0].path


def test_code_that_does_more_than_import_is_told(importing: Importing) -> None:
    told: list[object] = []

    def begins() -> int:
        told.append("begins")
        return len(told)

    importing.execution.before_other_code = begins
    importing.execution.after_other_code = told.append
    importing.write(entry="import os\nX = 1\nimport sys\n")

    load("entry")

    assert told == ["begins", 1]


FAILING = {
    "error": {"entry": "import inner\n", "inner": "import os\ndef f():\n    1 / 0\n\nf()\n"},
    "syntax": {"entry": "import inner\n", "inner": "def f(:\n"},
    "missing": {"entry": "import inner\n", "inner": "import no_such_module\n"},
    "name": {"entry": "import inner\n", "inner": "from os import no_such_name\n"},
    "chained": {
        "entry": "try:\n    import inner\nexcept KeyError:\n    raise RuntimeError('again')\n",
        "inner": "{}['key']\n",
    },
}


@pytest.mark.parametrize("sources", FAILING.values(), ids=FAILING)
def test_traceback_of_a_failing_module_is_that_of_plain_python(
    importing: Importing, sources: dict[str, str]
) -> None:
    importing.write(**sources)

    def failure() -> str:
        try:
            load("entry")
        except BaseException as error:  # noqa: BLE001 - SyntaxError, too
            return "".join(traceback.format_exception(error))
        raise AssertionError("it did not fail")

    ours = failure()
    sys.modules.pop("entry", None)
    sys.modules.pop("inner", None)
    sys.meta_path.remove(importing.finder)

    assert ours == failure()


def test_module_when_it_was_executed_before_has_no_point(importing: Importing) -> None:
    """A fork there would keep what came of the first time, whatever the file holds by then."""
    importing.write(
        entry="try:\n    import late\nexcept ImportError:\n    pass\nimport late",
        late="import os\nimport absent_module",
    )

    with pytest.raises(ImportError):
        importlib.import_module("entry")

    assert importing.places == [("entry", Place.BEFORE, True), ("late", Place.BEFORE, False)]
