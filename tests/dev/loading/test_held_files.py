"""Files of imported modules tell when they were written after a moment."""

import os
import sys
import time
from collections.abc import Callable
from importlib.util import spec_from_file_location, spec_from_loader
from pathlib import Path

import pytest

from wiverno.dev.loading.held_files import HeldFiles, file_of, files_of, pack

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "module.py"
    file.write_text("VALUE = 1\n")
    return file


def rename_over(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("VALUE = 2\n")
    other.replace(file)


def write_with_old_times(file: Path) -> None:
    before = file.stat()
    file.write_text("VALUE = 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "in place": lambda file: file.write_text("VALUE = 2\n"),
    "by rename": rename_over,
    "removed": Path.unlink,
    "with its old times": write_with_old_times,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_held_files_when_one_was_written_say_which(
    file: Path, change: Callable[[Path], object]
) -> None:
    held = HeldFiles(time.time_ns())
    held.add(pack([__file__, str(file)]))

    change(file)

    assert held.first_written() == str(file)
    assert held.and_more(pack([__file__])).first_written() == str(file)


def test_held_files_when_none_was_written_say_nothing(file: Path) -> None:
    held = HeldFiles(file.stat().st_ctime_ns + HOUR_NS)
    held.add(pack([str(file)]))

    assert held.and_more(b"").first_written() is None


def test_file_when_its_time_lies_ahead_of_the_clock_is_no_news(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a network mount whose clock is another one: it would be news for ever."""
    held = HeldFiles(file.stat().st_ctime_ns - 2 * HOUR_NS)
    held.add(pack([str(file)]))
    monkeypatch.setattr(time, "time_ns", lambda: file.stat().st_ctime_ns - HOUR_NS)

    assert held.first_written() is None


def test_files_of_modules_are_those_that_were_read(file: Path) -> None:
    assert pytest.__file__ in files_of([sys, pytest])
    from_file = spec_from_file_location("module", file)
    assert from_file is not None
    assert file_of(from_file) == str(file)
    assert file_of(spec_from_loader("module", None, origin=str(file)) or from_file) is None
