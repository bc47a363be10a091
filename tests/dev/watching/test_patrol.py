import threading
import time
from pathlib import Path

import pytest

from wiverno.dev.loading.mounts import Mount, MountTable
from wiverno.dev.watching.patrol import Beat, Patrol, beats_of, interval_for
from wiverno.dev.watching.reporter import Reporter
from wiverno.dev.watching.roots import Root, Roots


def beats(root: Root, types: dict[str, str]) -> dict[tuple[str, frozenset[str]], str]:
    """What is patrolled when these folders of the project ("" is itself) are mounts."""
    mounts = [Mount("/", "ext4")]
    mounts.extend(Mount(root.real + name, mount_type) for name, mount_type in types.items())
    found = beats_of(root, MountTable(mounts))
    return {(beat.top[len(root.real) :], beat.left_out): of for beat, of in found.items()}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root.of(str(tmp_path), None)


def test_beats_when_all_mounts_ring_are_none(root: Root) -> None:
    assert beats(root, {"": "btrfs", "/data": "tmpfs"}) == {}


def test_beats_when_the_root_is_silent_leave_out_a_volume_that_rings(root: Root) -> None:
    volume = frozenset({f"{root.real}/data"})
    assert beats(root, {"": "virtiofs", "/data": "ext4"}) == {("", volume): "virtiofs"}


def test_beats_when_only_a_folder_is_silent_are_that_folder(root: Root) -> None:
    assert beats(root, {"": "ext4", "/data": "nfs4"}) == {("/data", frozenset()): "nfs4"}


def test_beats_when_a_silent_mount_lies_in_a_silent_one_are_two(root: Root) -> None:
    inner = frozenset({f"{root.real}/data/set"})
    assert beats(root, {"/data": "9p", "/data/set": "fuse.sshfs"}) == {
        ("/data", inner): "9p",
        ("/data/set", frozenset()): "fuse.sshfs",
    }


def test_beats_leave_ignored_mounts_alone(root: Root) -> None:
    table = MountTable([Mount("/", "ext4"), Mount(f"{root.real}/node_modules", "virtiofs")])
    assert beats_of(root, table) == {}


def test_beats_when_the_whole_disk_is_silent_are_the_root(root: Root) -> None:
    table = MountTable([Mount("/", "overlay")])
    assert beats_of(root, table) == {Beat(root, root.real): "overlay"}


@pytest.mark.parametrize(
    ("cpu_s", "wall_s", "interval_s"),
    [(0.001, 0.001, 1.0), (0.02, 0.02, 1.0), (0.1, 0.1, 5.0), (0.3, 0.3, 15.0), (0.01, 2.0, 10.0)],
)
def test_interval_is_at_most_two_percent_of_a_core(
    cpu_s: float, wall_s: float, interval_s: float
) -> None:
    assert interval_for(cpu_s, wall_s) == pytest.approx(interval_s)


def test_safety_net_tells_once_what_no_event_told_and_only_when_it_is_time(
    tmp_path: Path,
) -> None:
    told: list[tuple[str, str]] = []
    problems: list[str] = []
    (tmp_path / "a.py").write_text("x = 1\n")
    roots = Roots([str(tmp_path)], None)
    reporter = Reporter(roots, lambda kind, path: told.append((str(kind), path)))
    patrol = Patrol(roots, reporter, problems.append, threading.Event(), 60.0)
    patrol.cover_all()
    told.clear()
    begun = time.monotonic()

    (tmp_path / "a.py").write_text("x = 22\n")
    patrol.tend(begun + 59)
    assert told == []
    patrol.tend(begun + 61)
    assert told == [("modified", str(tmp_path / "a.py"))]
    patrol.tend(begun + 9999)
    assert len(told) == 1
    assert problems == []
