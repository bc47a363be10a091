"""Cached files come from this user alone, whole, and do not grow without bound."""

import os
import stat
from pathlib import Path

import pytest

from wiverno.dev.loading.user_cache import cache_directory, prune, read_private, write_private


def test_file_that_is_written_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "wiverno" / "file"

    write_private(str(path), b"content")

    assert read_private(str(path)) == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_may_write_is_not_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(mode)

    assert read_private(str(path)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_file_of_another_user_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o600)
    os.chown(path, 12345, 12345)

    assert read_private(str(path)) is None


def test_file_that_is_absent_or_a_directory_is_not_read(tmp_path: Path) -> None:
    assert read_private(str(tmp_path / "absent")) is None
    assert read_private(str(tmp_path)) is None


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()

    with pytest.raises(OSError, match="file"):
        write_private(str(tmp_path / "file"), b"content")

    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_pruning_removes_the_oldest_files_and_no_directory(tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir()
    for age in range(4):
        path = tmp_path / f"{age}"
        path.write_bytes(b"x" * 10)
        os.utime(path, (1000 - age, 1000 - age))

    prune(str(tmp_path), 25)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1", "roots"]


@pytest.mark.parametrize(
    ("home", "expected"),
    [("/caches", "/caches/wiverno"), ("relative", None), ("", "/home/me/.cache/wiverno")],
)
def test_cache_directory_follows_the_base_directory_specification(
    monkeypatch: pytest.MonkeyPatch, home: str, expected: str | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setenv("HOME", "/home/me")

    assert cache_directory() == expected
