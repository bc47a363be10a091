"""What a candidate sees of modules that its template has imported, and what it tells of them."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.roots import EarlyImports, Roots, UserChanges, enable_loggers
from wiverno.dev.loading.user_code import UserCode


class Candidate:
    """This process, with packages `early` as if a template had imported them."""

    def __init__(self, folder: Path) -> None:
        self.mine, self.site = folder / "mine", folder / "site-packages"
        self.mine.mkdir()
        self.site.mkdir()
        self.record = Record()

    def install(self, **sources: str) -> None:
        for name, source in sources.items():
            (self.site / f"{name}.py").write_text(source)

    def begin(self, *roots: str, looked_for: tuple[str, ...] = ()) -> None:
        for name in roots:
            __import__(name)
        self.roots = Roots(UserCode(()), EarlyImports(roots, looked_for))
        self.finder = RecordingFinder(self.record, UserCode(()), roots=self.roots)
        self.finder.install()
        self.roots.hide()

    def run(self, source: str) -> ModuleType:
        """A module of the user's with this source."""
        (self.mine / "entry.py").write_text(source)
        return __import__("entry")


@pytest.fixture
def candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Candidate]:
    candidate = Candidate(tmp_path)
    monkeypatch.setattr(sys, "path", [str(candidate.mine), str(candidate.site), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = dict(sys.modules)
    yield candidate
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def test_root_is_out_of_sight_until_it_is_asked_for(candidate: Candidate) -> None:
    candidate.install(fake_a="", fake_b="")
    candidate.begin("fake_a", "fake_b")

    assert not {"fake_a", "fake_b"} & set(sys.modules)
    candidate.run("import fake_a, fake_b\n")
    assert {"fake_a", "fake_b"} <= set(sys.modules)
    assert candidate.roots.asked_for == ["fake_a", "fake_b"]
    assert candidate.roots.why_inexact() is None


def test_root_that_is_given_back_is_the_same_module(candidate: Candidate) -> None:
    candidate.install(fake_a="VALUE = object()\n")
    module = __import__("fake_a")
    spec, loader, attributes = module.__spec__, module.__loader__, dict(vars(module))
    candidate.begin("fake_a")

    entry = candidate.run("import fake_a\n")

    assert entry.fake_a is module
    assert (module.__spec__, module.__loader__) == (spec, loader)
    assert vars(module) == attributes


def test_root_that_nobody_asks_for_makes_a_whole_build_inexact(candidate: Candidate) -> None:
    candidate.install(fake_a="")
    candidate.begin("fake_a")

    candidate.run("X = 1\n")

    assert candidate.roots.why_inexact() == "fake_a is not imported any more"
    assert candidate.roots.why_inexact(is_whole=False) is None
    assert "fake_a" not in sys.modules


def test_root_that_another_one_imports_comes_back_with_it(candidate: Candidate) -> None:
    """As numpy does with pandas; nobody has asked for it, and a cold start asks pandas."""
    candidate.install(fake_a="", fake_b="import fake_a\n")
    candidate.begin("fake_a", "fake_b")

    candidate.run("import sys, fake_b\nSEEN = 'fake_a' in sys.modules\n")

    assert sys.modules["entry"].SEEN is True
    assert candidate.roots.why_inexact() == "fake_a is not imported any more"


def test_submodule_and_its_parents_are_roots(candidate: Candidate) -> None:
    package = candidate.site / "fake_p"
    (package / "q").mkdir(parents=True)
    for folder in (package, package / "q"):
        (folder / "__init__.py").touch()
    (package / "q" / "r.py").write_text("VALUE = 5\n")
    candidate.begin()

    candidate.run("import fake_p.q.r\nVALUE = fake_p.q.r.VALUE\n")

    assert candidate.roots.asked_for == ["fake_p", "fake_p.q", "fake_p.q.r"]


def test_submodule_when_it_is_given_back_is_reached_by_its_parent(candidate: Candidate) -> None:
    (candidate.site / "fake_p").mkdir()
    (candidate.site / "fake_p" / "r.py").write_text("VALUE = 5\n")
    candidate.begin("fake_p", "fake_p.r")

    entry = candidate.run("import fake_p.r\nfrom fake_p import r\nVALUE = fake_p.r.VALUE\n")

    assert entry.VALUE == entry.r.VALUE == 5
    assert candidate.roots.why_inexact() is None


def test_modules_that_installed_code_imports_are_no_roots(candidate: Candidate) -> None:
    candidate.install(fake_a="import fake_b\n", fake_b="")
    candidate.begin()

    candidate.run("import importlib\nimportlib.import_module('fake_a')\n")

    assert candidate.roots.asked_for == ["fake_a"]


def test_root_when_the_environment_changed_before_it_is_a_problem(
    candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE", "old")
    candidate.install(fake_a="", fake_b="")
    candidate.begin("fake_a", "fake_b")
    changes = candidate.roots.changes
    candidate.finder._execution.before_other_code = changes.other_code_begins
    candidate.finder._execution.after_other_code = changes.other_code_ended

    candidate.run("import os, fake_a\nos.environ['FAKE'] = 'new'\nimport fake_b\n")

    why = candidate.roots.why_inexact()
    assert why == "the environment was changed before fake_b was imported"
    assert candidate.roots.why_inexact(is_whole=False) == why
    assert candidate.roots.asked_for == ["fake_a"]


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "the environment": lambda patch: patch.setenv("FAKE", "1"),
    "sys.path": lambda patch: patch.setattr(sys, "path", [*sys.path, "/added"]),
    "sys.meta_path": lambda patch: patch.setattr(sys, "meta_path", sys.meta_path[1:]),
    "the warning filters": lambda patch: warnings.simplefilter("always"),
    "the current directory": lambda patch: patch.chdir("/"),
}


@pytest.mark.parametrize(("what", "change"), CHANGES.items(), ids=CHANGES)
def test_change_of_what_imports_depend_on_is_a_problem_for_later_ones(
    monkeypatch: pytest.MonkeyPatch, what: str, change: Callable[[pytest.MonkeyPatch], object]
) -> None:
    changes = UserChanges()
    with warnings.catch_warnings():
        before = changes.other_code_begins()
        assert changes.problem_with("flask") is None
        change(monkeypatch)
        changes.other_code_ended(before)

    assert changes.problem_with("numpy") == f"{what} was changed before numpy was imported"


def test_change_that_was_undone_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = UserChanges()
    before = changes.other_code_begins()
    monkeypatch.setenv("FAKE", "1")
    monkeypatch.undo()
    changes.other_code_ended(before)

    assert changes.problem_with("numpy") is None


def test_package_that_may_have_been_set_up_between_its_modules_is_a_problem() -> None:
    changes = UserChanges()
    assert changes.problem_with("fake_plots") is None
    changes.other_code_ended(changes.other_code_begins())

    assert changes.problem_with("another") is None
    assert changes.problem_with("fake_plots.pyplot") is not None


def test_search_that_the_template_did_is_in_the_record(candidate: Candidate) -> None:
    candidate.install(fake_a="import fake_b\n", fake_b="")
    candidate.begin("fake_a", looked_for=("fake_a", "fake_b", "fake_never"))

    places = {
        name: candidate.record.get(str(candidate.mine / name), kind) is not None
        for name, kind in (
            ("fake_b", EntryKind.MISSING_REGULAR_MODULE),
            ("fake_never", EntryKind.MISSING_MODULE),
        )
    }
    assert places == {"fake_b": True, "fake_never": True}
    assert candidate.roots.why_inexact(is_whole=False) is None


@pytest.mark.parametrize("file", ["fake_b.py", "fake_b/__init__.py"])
def test_file_of_the_user_in_the_place_of_an_installed_module_is_a_problem(
    candidate: Candidate, file: str
) -> None:
    candidate.install(fake_a="import fake_b\n", fake_b="")
    __import__("fake_a")
    path = candidate.mine / file
    path.parent.mkdir(exist_ok=True)
    path.touch()

    candidate.begin("fake_a", looked_for=("fake_a", "fake_b"))

    assert candidate.roots.why_inexact() == f"{path} would be imported in place of fake_b"


def test_folder_of_the_user_beside_an_installed_module_is_no_problem(candidate: Candidate) -> None:
    candidate.install(fake_a="import fake_b\n", fake_b="")
    (candidate.mine / "fake_b").mkdir()

    candidate.begin("fake_a", looked_for=("fake_a", "fake_b"))

    assert candidate.roots.why_inexact(is_whole=False) is None


def test_logger_that_is_enabled_is_no_other_and_none_is_made() -> None:
    """As `dictConfig` disables them; one that stands for others has nothing to enable."""
    loggers = [logging.getLogger("fake_library"), logging.getLogger("fake_other.part")]
    for logger in loggers:
        logger.disabled = True

    enable_loggers(["fake_library", "fake_other", "fake_absent"])

    assert [logger.disabled for logger in loggers] == [False, True]
    made = logging.root.manager.loggerDict
    assert isinstance(made["fake_other"], logging.PlaceHolder)
    assert "fake_absent" not in made
