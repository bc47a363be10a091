"""Exceptions as data, made of modules that really fail."""

import importlib.util
import linecache
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wiverno.core.failure_limits import MAX_ERRORS, MAX_FRAMES, MAX_MESSAGE_CHARACTERS
from wiverno.dev.failure.last_good import SinceLastGood
from wiverno.dev.failure.report import FailureReport, report_death, report_exception
from wiverno.dev.loading.sources import Sources


def failure_of(path: Path, source: str) -> BaseException:
    """The exception that importing this source raises, as a worker sees it."""
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except BaseException as exc:  # noqa: BLE001 - also SystemExit is what is tested
        return exc
    raise AssertionError("the module did not fail")


def report_of(tmp_path: Path, source: str) -> FailureReport:
    return report_exception(failure_of(tmp_path / "routes.py", source), "routes:app")


def test_report_of_a_syntax_error_begins_at_file_line_and_column(tmp_path: Path) -> None:
    report = report_of(tmp_path, "a = 1\nb = 2\ndef f(:\n")
    assert report.headline == "SyntaxError: invalid syntax (routes.py, line 3)"
    assert report.where == f"{tmp_path / 'routes.py'}:3"
    frame = report.frames[0]
    assert (frame.line, frame.column, frame.is_user) == (3, 7, True)
    assert [(line.number, line.text, line.is_failing) for line in frame.source] == [
        (1, "a = 1", False),
        (2, "b = 2", False),
        (3, "def f(:", True),
    ]


def test_report_of_a_syntax_error_without_a_file_shows_its_text() -> None:
    report = report_exception(SyntaxError("no", ("<string>", 2, 1, "x y\n")), "m:app")
    assert report.frames[0].source[0].text == "x y"
    assert not report.frames[0].is_user


def test_report_of_a_name_error_marks_the_expression(tmp_path: Path) -> None:
    report = report_of(tmp_path, "ä = 'ö'; nope(ä)\n")
    frame = report.frames[0]
    assert (frame.file, frame.line, frame.function) == (str(tmp_path / "routes.py"), 1, "<module>")
    assert frame.source[0].text[frame.column - 1 : frame.end_column - 1] == "nope"


def test_report_leaves_the_frames_of_the_import_machinery_out(tmp_path: Path) -> None:
    report = report_of(tmp_path, "import importlib\nimportlib.import_module('no_such_module')\n")
    assert "frozen importlib" not in report.traceback
    assert not [frame for frame in report.frames if "importlib" in frame.file]
    assert report.frames[0].file == str(tmp_path / "routes.py")


def test_report_without_frames_has_no_traceback_that_only_repeats_the_headline() -> None:
    plain, noted, chained = (ValueError("no") for _ in range(3))
    noted.add_note("a note")
    chained.__context__ = KeyError("first")

    reports = [report_exception(error, "routes:app") for error in (plain, noted, chained)]

    assert {report.headline for report in reports} == {"ValueError: no"}
    assert reports[0].traceback == ""
    assert "a note" in reports[1].traceback
    assert "During handling" in reports[2].traceback


def test_report_without_frames_of_a_text_that_the_headline_cuts_has_it_whole() -> None:
    report = report_exception(ValueError("long " * 100), "routes:app")

    assert "long " * 100 in report.traceback


def test_report_tells_library_from_user_code(tmp_path: Path) -> None:
    report = report_of(tmp_path, "import json\njson.loads('{')\n")
    assert not report.frames[0].is_user
    assert report.where == f"{tmp_path / 'routes.py'}:2"


def test_report_reads_the_source_again_when_size_and_time_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "routes.py"
    for source in ("def first(:", "def other(:"):
        failure = failure_of(file, source)
        os.utime(file, (1e9, 1e9))
        assert report_exception(failure, "routes:app").frames[0].source[0].text == source


def test_report_shows_the_source_that_was_loaded_when_the_file_is_another_by_now(
    tmp_path: Path,
) -> None:
    file = tmp_path / "routes.py"
    failure = failure_of(file, "1 / 0  # old\n")
    Sources().add(str(file), b"1 / 0  # old\n")
    file.write_text("2\n")
    report = report_exception(failure, "routes:app")
    del linecache.cache[str(file)]

    assert report.frames[0].source[0].text == "1 / 0  # old"
    assert "# old" in report.traceback


def test_report_includes_causes_and_contexts(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        "try:\n  try:\n    1 / 0\n  except ArithmeticError:\n    {}['key']\n"
        "except KeyError as error:\n  raise RuntimeError('outer') from error\n",
    )
    assert [(error.relation, error.kind) for error in report.chain] == [
        ("cause", "KeyError"),
        ("context", "ZeroDivisionError"),
    ]
    assert report.chain[1].frames[0].line == 3
    assert "ZeroDivisionError" in report.traceback


def test_report_leaves_a_suppressed_context_out(tmp_path: Path) -> None:
    source = "try:\n  1 / 0\nexcept ArithmeticError:\n  raise RuntimeError('outer') from None\n"
    assert report_of(tmp_path, source).chain == ()


@pytest.mark.parametrize(
    ("call", "words"),
    [("sys.exit(3)", "sys.exit(3) was called"), ("sys.exit()", "sys.exit() was called")],
)
def test_report_of_sys_exit_says_so(tmp_path: Path, call: str, words: str) -> None:
    report = report_of(tmp_path, f"import sys\n{call}\n")
    assert report.kind == "SystemExit"
    assert words in report.headline


def test_report_of_an_interrupt_says_so(tmp_path: Path) -> None:
    assert "interrupted" in report_of(tmp_path, "raise KeyboardInterrupt\n").headline


class TestHostileExceptions:
    def test_str_that_raises(self) -> None:
        class HostileError(Exception):
            def __str__(self) -> str:
                raise ValueError("no")

        report = report_exception(HostileError(), "m:app")
        assert report.headline == "HostileError: (its __str__ raised ValueError)"

    def test_cause_that_raises_is_still_a_report(self) -> None:
        class HostileError(Exception):
            @property
            def __cause__(self) -> None:  # type: ignore[override]  # hostile on purpose
                raise RuntimeError("no")

        report = report_exception(HostileError("text"), "m:app")
        assert report.kind == "HostileError"
        assert report.headline

    def test_syntax_error_with_odd_attributes(self) -> None:
        error = SyntaxError("odd")
        error.filename = "x.py"
        error.lineno = None
        error.offset = -5
        assert report_exception(error, "m:app").kind == "SyntaxError"

    def test_huge_message_is_cut(self) -> None:
        report = report_exception(ValueError("a" * 5_000_000 + "end"), "m:app")
        assert len(report.message) < MAX_MESSAGE_CHARACTERS + 100
        assert report.message.endswith("end")
        assert len(report.to_json()) < 200_000

    def test_endless_recursion_keeps_outer_and_inner_frames(self, tmp_path: Path) -> None:
        report = report_of(
            tmp_path,
            "def a(n):\n    b(n + 1)\ndef b(n):\n    a(n + 1)\na(0)\n",
        )
        assert report.kind == "RecursionError"
        assert len(report.frames) == MAX_FRAMES
        assert report.frames[-2].function == "<module>" or report.frames[-1].function != "a"

    def test_long_and_circular_chains_end(self) -> None:
        first = error = ValueError("0")
        for number in range(50):
            error.__cause__ = ValueError(str(number))
            error = error.__cause__
        assert len(report_exception(first, "m:app").chain) == MAX_ERRORS
        error.__cause__ = first
        assert len(report_exception(first, "m:app").chain) == MAX_ERRORS

    def test_exception_group_is_told_whole(self) -> None:
        group = ExceptionGroup("several", [ValueError("one"), TypeError("two")])
        report = report_exception(group, "m:app")
        assert "ValueError: one" in report.traceback
        assert "TypeError: two" in report.traceback


def test_json_gives_the_same_report_back(tmp_path: Path) -> None:
    source = "try:\n  1 / 0\nexcept ArithmeticError as e:\n  raise RuntimeError('\\udcff') from e\n"
    report = report_of(tmp_path, source)
    assert report.chain
    assert FailureReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"frames": [], "chain": [], "x": 1}'])
def test_from_json_when_not_a_report_raises(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        FailureReport.from_json(data)


def test_report_death_says_what_the_caller_knows() -> None:
    text = f"The build was ended by {signal.SIGSEGV.name}."
    report = report_death(text, "run:app", "Fatal Python error")
    assert (report.headline, report.kind, report.where) == (text, "ProcessDied", "")
    assert report.traceback == "Fatal Python error"
    assert FailureReport.from_json(report.to_json()) == report


def test_import_of_the_report_loads_no_traceback_json_or_html() -> None:
    code = (
        "import sys; before = set(sys.modules); import wiverno.dev.failure.report;"
        "print({'traceback', 'json', 'html', 'tokenize'} & (set(sys.modules) - before - "
        "set(('tokenize', 'linecache') if 'inspect' in sys.modules else ())))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


class TestSinceLastGood:
    """The module that fails, compared with what it was when it was good."""

    GOOD = "def half(x):\n    return x / 2\n\n\nhalf(1)\n"

    def report_since(
        self, tmp_path: Path, source: str, good: dict[str, bytes | None] | None
    ) -> FailureReport:
        file = tmp_path / "routes.py"
        failure = failure_of(file, source)
        loaded = {"/p/helper.py": b"x = 2\n", str(file): source.encode()}
        return report_exception(failure, "routes:app", SinceLastGood(loaded, good))

    def good(self, tmp_path: Path, routes: str = GOOD) -> dict[str, bytes | None]:
        return {"/p/helper.py": b"x = 2\n", str(tmp_path / "routes.py"): routes.encode()}

    def test_changed_line_is_marked_in_each_frame_that_shows_it(self, tmp_path: Path) -> None:
        source = self.GOOD.replace("x / 2", "x / 0")
        report = self.report_since(tmp_path, source, self.good(tmp_path))

        frames = [frame for frame in report.frames if Path(frame.file).parent == tmp_path]
        assert [frame.line for frame in frames] == [2, 5]
        for frame in frames:
            assert [line.number for line in frame.source if line.is_changed] == [2]
        assert report.changed_files == ()
        assert FailureReport.from_json(report.to_json()) == report

    def test_changed_line_is_marked_in_a_file_that_does_not_compile(self, tmp_path: Path) -> None:
        source = self.GOOD.replace("def half(x):", "def half(x:")
        report = self.report_since(tmp_path, source, self.good(tmp_path))

        assert [line.number for line in report.frames[0].source if line.is_changed] == [1]

    def test_without_a_good_version_nothing_is_marked(self, tmp_path: Path) -> None:
        report = self.report_since(tmp_path, "1 / 0\n", None)

        assert not report.frames[0].shows_change
        assert report.changed_files == ()

    def test_file_that_the_good_version_had_not_loaded_is_new(self, tmp_path: Path) -> None:
        report = self.report_since(tmp_path, "1 / 0\n", {"/p/helper.py": b"x = 2\n"})

        assert report.frames[0].is_new
        assert not any(line.is_changed for line in report.frames[0].source)
        assert report.changed_files == ()

    def test_change_elsewhere_is_listed_when_no_frame_shows_it(self, tmp_path: Path) -> None:
        good = {**self.good(tmp_path, "1 / 0\n"), "/p/helper.py": b"x = 1\n"}
        report = self.report_since(tmp_path, "1 / 0\n", good)

        (file,) = report.changed_files
        assert file.file == "/p/helper.py"
        assert [(line.text, line.is_changed) for line in file.source] == [("x = 2", True)]
        assert FailureReport.from_json(report.to_json()) == report

    def test_death_lists_what_changed(self) -> None:
        since = SinceLastGood({"/p/helper.py": b"x = 2\n"}, {"/p/helper.py": b"x = 1\n"})
        report = report_death("It was killed.", "routes:app", since=since)

        assert [file.file for file in report.changed_files] == ["/p/helper.py"]
