"""Many files compared at once: by the C library's `stat`, and where that is of no use."""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wiverno.dev.loading.signatures import UNLIKE_ANY, read_signature
from wiverno.dev.loading.sweep import Sweep, has_known_layout

FILES = 200
STAT_BYTES = 144

needs_stat = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.PyDLL(None), "stat"),
    reason="the C library has no `stat`",
)


@pytest.fixture(params=["stat", "loop"])
def paths(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> list[Path]:
    if request.param == "loop":
        monkeypatch.setattr(sys, "platform", "other")
    paths = [tmp_path / f"module_{number}.py" for number in range(FILES)]
    for path in paths:
        path.write_text("1")
    return paths


def sweep_of(paths: list[Path]) -> Sweep:
    return Sweep([(str(path), read_signature(str(path))) for path in paths])


def test_sweep_of_untouched_files_finds_no_difference(paths: list[Path]) -> None:
    sweep = sweep_of(paths)

    assert sweep.first_difference() is None
    assert all(sweep.is_next_part_equal() for _ in range(FILES))


def test_sweep_finds_exactly_the_files_that_differ(paths: list[Path]) -> None:
    sweep = sweep_of(paths)
    before = list(sweep.differences())
    paths[0].unlink()
    paths[70].write_text("22")
    os.utime(paths[71], ns=(1, 1))
    paths[199].with_suffix(".new").write_text("1")
    paths[199].with_suffix(".new").replace(paths[199])

    assert before == []
    assert list(sweep.differences()) == [str(paths[n]) for n in (0, 70, 71, 199)]
    assert sweep.first_difference() == str(paths[0])


@pytest.mark.parametrize("field", range(4))
def test_sweep_compares_each_field_of_a_signature(paths: list[Path], field: int) -> None:
    signature = list(read_signature(str(paths[0])))
    signature[field] += 1
    mtime_ns, size, inode, ctime_ns = signature

    assert Sweep([(str(paths[0]), (mtime_ns, size, inode, ctime_ns))]).first_difference()


def test_sweep_finds_what_is_unlike_any_and_what_is_older_than_1970(paths: list[Path]) -> None:
    os.utime(paths[1], ns=(-1, -1))
    sweep = Sweep([(str(paths[0]), UNLIKE_ANY), (str(paths[1]), read_signature(str(paths[1])))])

    assert list(sweep.differences()) == [str(paths[0])]


def test_sweep_in_parts_comes_to_each_file(paths: list[Path]) -> None:
    sweep = sweep_of(paths)
    paths[150].unlink()
    parts = [sweep.is_next_part_equal() for _ in range(8)]

    assert parts == [True, True, False, True] * 2


@needs_stat
def test_layout_of_this_c_library_is_known() -> None:
    assert has_known_layout(ctypes.PyDLL(None).stat)


@needs_stat
@pytest.mark.parametrize("spoil", ["moved", "larger", "failing"])
def test_layout_that_differs_is_refused(spoil: str) -> None:
    stat: Callable[[bytes, object], int] = ctypes.PyDLL(None).stat

    def other_stat(path: bytes, place: object) -> int:
        address = ctypes.cast(place, ctypes.c_void_p).value or 0  # type: ignore[arg-type]  # what byref gives
        result = stat(path, place)
        if spoil == "moved":
            ctypes.memmove(address + 8, address, STAT_BYTES - 8)
        if spoil == "larger":
            ctypes.memset(address + STAT_BYTES, 0, 8)
        return -1 if spoil == "failing" else result

    assert not has_known_layout(other_stat)
