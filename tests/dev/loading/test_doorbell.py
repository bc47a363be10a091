"""The doorbell against a real disk and a real kernel: it alone tells, nothing is swept."""

import ctypes
import fcntl
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dev.save_kinds import Disk, SaveKinds, write_project
from wiverno.dev.loading.contents import digest_of
from wiverno.dev.loading.doorbell import Doorbell, HangingDoorbell
from wiverno.dev.loading.folder_names import digest_names
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.mounts import read_mounts
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, LEFT, read_signature

# More than any of these records needs to be watched in parts.
ASKS = 50
DEADLINE_S = 10
DEADLINE_S = 10


class CountedDoorbell(Doorbell):
    """Counts the sweeps of the gate that it is prepared after."""

    def __init__(self, record: Record, limit: int | None = None) -> None:
        self.sweeps = 0
        super().__init__(record, limit)

    def prepare(self) -> None:
        self.sweeps += 1
        super().prepare()


class House:
    """A folder, the record of what was read there, and a gate with a doorbell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = Record()
        self.bell = CountedDoorbell(self.record)
        self.gate = Gate(self.record, doorbell=lambda: self.bell)

    def file(self, name: str, kind: EntryKind = EntryKind.MODULE) -> Path:
        """A file that is there and recorded; made unless it is there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("1")
        self.record.add(kind, str(path), read_signature(str(path)))
        return path

    def missing(self, name: str, kind: EntryKind = EntryKind.MISSING_DATA) -> Path:
        self.record.add(kind, str(self.folder / name), ABSENT)
        return self.folder / name

    def arm(self) -> None:
        """Ask until no ask sweeps any more."""
        for _ in range(ASKS):
            before = self.bell.sweeps
            assert self.gate.is_fresh(), self.gate.stale_path
            if before and self.bell.sweeps == before:
                return
        raise AssertionError("it is never quiet")

    def sweeps_of(self, asks: int) -> int:
        before = self.bell.sweeps
        assert all(self.gate.is_fresh() for _ in range(asks))
        return self.bell.sweeps - before


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    if not Path("/proc/self/mountinfo").exists() or read_mounts().rings_no_events(str(tmp_path)):
        pytest.skip("not shown: the folder for temporary files rings no events here")
    house = House(tmp_path / "house")
    house.folder.mkdir()
    yield house
    house.bell.close()


def test_gate_sweeps_no_more_when_nothing_rings(house: House) -> None:
    house.file("a.py")
    house.file("deep/er/b.py")
    house.missing("settings", EntryKind.MISSING_MODULE)
    house.arm()

    assert house.sweeps_of(100) == 0


def test_first_asks_of_a_generation_need_no_doorbell(house: House) -> None:
    house.file("a.py")
    made: list[Doorbell] = []

    def make() -> Doorbell:
        made.append(house.bell)
        return house.bell

    gate = Gate(house.record, doorbell=make)

    asked = [gate.is_fresh() and len(made) for _ in range(4)]

    assert asked == [0, 0, 1, 1]


def test_doorbell_that_is_hung_behind_the_requests_hears_what_they_depend_on(house: House) -> None:
    for number in range(300):
        house.file(f"{number}.py")
    hanging = HangingDoorbell(house.record)
    gate = Gate(house.record, doorbell=hanging)

    deadline = time.monotonic() + DEADLINE_S
    while hanging() is None and time.monotonic() < deadline:
        assert gate.is_fresh()
    bell = hanging()
    assert bell is not None
    assert gate.is_fresh()
    was_quiet = bell.is_quiet()
    house.file("299.py").write_text("2")

    assert was_quiet
    assert not gate.is_fresh()
    bell.close()


def test_ask_that_finds_a_change_spends_no_time_on_the_doorbell(house: House) -> None:
    path = house.file("a.py")
    made: list[Doorbell] = []

    def make() -> Doorbell:
        made.append(house.bell)
        return house.bell

    gate = Gate(house.record, doorbell=make)
    before = [gate.is_fresh() for _ in range(2)]
    path.write_text("2")

    assert before == [True, True]
    assert not gate.is_fresh()
    assert made == []


def test_ask_that_hears_a_change_prepares_no_other_one(house: House) -> None:
    path = house.file("a.py")
    house.arm()
    before = house.bell.sweeps
    path.write_text("2")

    assert not house.gate.is_fresh()
    assert house.bell.sweeps == before


SAVES = [
    SaveKinds.in_place,
    SaveKinds.rename_over,
    SaveKinds.truncate_then_slow_write,
    SaveKinds.vim_with_backup_beside,
    SaveKinds.vim_with_backup_outside,
    SaveKinds.delete_and_recreate,
    SaveKinds.directory_swap,
    SaveKinds.older_mtime,
    SaveKinds.same_second_and_size,
    SaveKinds.through_a_hard_link,
    SaveKinds.target_of_a_symlink,
]


@pytest.mark.parametrize("save", SAVES, ids=lambda save: save.__name__)
def test_each_way_of_saving_rings(house: House, save: Callable[[SaveKinds, int], None]) -> None:
    write_project(house.folder)
    house.file("shop/version.py")
    kinds = SaveKinds(house.folder, Disk())
    house.arm()

    save(kinds, 2)

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def change_mode(path: Path) -> None:
    path.chmod(0o600)


def change_times(path: Path) -> None:
    os.utime(path)


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def exchange_with_a_copy(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("2")
    at_here, exchange = -100, 2
    names = (at_here, os.fsencode(path), at_here, os.fsencode(other))
    assert ctypes.CDLL(None).renameat2(*names, exchange) == 0


@pytest.mark.parametrize(
    "change", [change_mode, change_times, truncate, exchange_with_a_copy, Path.unlink]
)
def test_each_change_of_a_file_rings(house: House, change: Callable[[Path], None]) -> None:
    path = house.file("a.py")
    house.arm()

    change(path)

    assert not house.bell.is_quiet()


def test_save_through_a_hard_link_from_before_rings(house: House, tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    (house.folder / "a.py").touch()
    link.hardlink_to(house.folder / "a.py")
    house.file("a.py")
    house.arm()

    link.write_text("2")

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_save_through_a_hard_link_made_after_a_quiet_ask_rings(
    house: House, tmp_path: Path
) -> None:
    """Making the link rings, too: it changes the file's ctime. What is asked here is the rest."""
    path = house.file("a.py")
    house.arm()
    link = tmp_path / "link.py"
    link.hardlink_to(path)
    assert not house.bell.is_quiet()
    house.bell.prepare()
    quiet_after_the_link = house.bell.is_quiet()

    link.write_text("2")

    assert quiet_after_the_link
    assert not house.bell.is_quiet()


@pytest.mark.parametrize("above", [".", "..", "../.."])
def test_swap_of_a_directory_above_rings(house: House, above: str) -> None:
    path = house.file("one/two/three/a.py")
    house.arm()
    swapped = (path.parent / above).resolve()
    swapped.rename(swapped.with_name("old"))
    path.parent.mkdir(parents=True)
    path.write_text("2")

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def linked(house: House, tmp_path: Path) -> tuple[Path, Path]:
    """A recorded link, in the house, and its target beside it."""
    target = tmp_path / "target.py"
    target.write_text("1")
    link = house.folder / "link.py"
    link.symlink_to("../target.py")
    house.file("link.py")
    return link, target


def test_save_of_a_links_target_rings(house: House, tmp_path: Path) -> None:
    _, target = linked(house, tmp_path)
    house.arm()
    target.write_text("2")

    assert not house.gate.is_fresh()


def test_links_target_that_is_renamed_over_rings(house: House, tmp_path: Path) -> None:
    _, target = linked(house, tmp_path)
    house.arm()
    target.with_name("new").write_text("2")
    target.with_name("new").replace(target)

    assert not house.gate.is_fresh()


def test_replaced_link_rings(house: House, tmp_path: Path) -> None:
    link, target = linked(house, tmp_path)
    target.with_name("second.py").write_text("2")
    house.arm()
    link.with_name("new").symlink_to("../second.py")
    link.with_name("new").replace(link)

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_retargeted_link_to_a_directory_rings(house: House, tmp_path: Path) -> None:
    for release in ("1", "2"):
        (tmp_path / release / "shop").mkdir(parents=True)
        (tmp_path / release / "shop" / "a.py").write_text(release)
    current = house.folder / "current"
    current.symlink_to(tmp_path / "1")
    house.file("current/shop/a.py")
    house.arm()
    current.unlink()
    current.symlink_to(tmp_path / "2")

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_target_of_a_dangling_link_that_appears_rings(house: House, tmp_path: Path) -> None:
    (house.folder / ".env").symlink_to(tmp_path / "later" / "env")
    house.missing(".env")
    house.arm()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "env").touch()

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_links_in_a_circle_are_swept_each_time(house: House) -> None:
    (house.folder / "circle").symlink_to("circle")
    house.missing("circle")
    house.arm()

    assert not house.bell.hears_everything()


@pytest.mark.parametrize("name", ["late.py", "late/__init__.py", "a/b/late.py"])
@pytest.mark.parametrize("kind", [EntryKind.MISSING_MODULE, EntryKind.MISSING_REGULAR_MODULE])
def test_missing_module_that_appears_rings(house: House, name: str, kind: EntryKind) -> None:
    house.missing(name.partition("late")[0] + "late", kind)
    house.arm()
    path = house.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_init_that_appears_in_a_bare_directory_rings(house: House) -> None:
    house.missing("late", EntryKind.MISSING_REGULAR_MODULE)
    (house.folder / "late").mkdir()
    house.arm()
    (house.folder / "late" / "__init__.py").touch()

    assert not house.gate.is_fresh()


def test_init_in_a_bare_directory_that_appeared_later_rings(house: House) -> None:
    house.missing("late", EntryKind.MISSING_REGULAR_MODULE)
    house.arm()
    (house.folder / "late").mkdir()
    house.arm()
    (house.folder / "late" / "__init__.py").touch()

    assert not house.gate.is_fresh()


def test_name_that_appears_in_a_listed_folder_rings(house: House) -> None:
    listed = str(house.folder)
    house.record.add(EntryKind.LISTING, listed, digest_names(listed))
    house.arm()
    (house.folder / "any name").touch()

    assert not house.gate.is_fresh()


def test_missing_data_file_that_appears_with_its_folder_rings(house: House) -> None:
    path = house.missing("conf/local/settings.toml")
    house.arm()
    path.parent.mkdir(parents=True)
    path.touch()

    assert not house.gate.is_fresh()


def test_other_files_beside_and_above_cause_no_sweep(house: House, tmp_path: Path) -> None:
    house.file("deep/a.py")
    house.missing("deep/settings", EntryKind.MISSING_MODULE)
    house.arm()
    for folder in (tmp_path, house.folder, house.folder / "deep"):
        (folder / "other.txt").write_text("1")
        (folder / "other").mkdir()
        (folder / "other.txt").replace(folder / "other" / "moved.txt")

    assert house.sweeps_of(3) == 0


def test_what_the_application_writes_itself_causes_no_sweep(house: House) -> None:
    path = house.file("state.json", EntryKind.DATA)
    house.arm()
    house.record.add(EntryKind.DATA, str(path), LEFT)
    house.arm()
    path.write_text("2")

    assert house.sweeps_of(3) == 0


def test_same_bytes_in_a_new_file_are_followed_from_then_on(house: House) -> None:
    path = house.file("a.py")
    house.record.add(EntryKind.CONTENT, str(path), digest_of(b"1"))
    house.arm()
    path.with_name("new").write_text("1")
    path.with_name("new").replace(path)
    house.arm()
    quiet_before = house.bell.is_quiet()
    path.write_text("2")

    assert quiet_before
    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def test_entries_added_later_are_watched(house: House) -> None:
    house.file("a.py")
    house.arm()
    lazy = house.file("lazy/b.py")
    house.arm()
    lazy.write_text("2")

    assert not house.bell.is_quiet()


def test_many_entries_are_watched_in_parts(house: House) -> None:
    paths = [house.file(f"{number}.py") for number in range(700)]
    house.arm()
    quiet = [house.bell.is_quiet()]
    for path in paths:
        path.touch()
        quiet.append(house.bell.is_quiet())
        house.bell.prepare()
        house.bell.prepare()

    assert quiet == [True] + [False] * 700


def test_overflow_of_the_queue_rings_until_all_is_watched_again(
    house: House, tmp_path: Path
) -> None:
    house.file("a.py")
    house.arm()
    events = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(events // 2 + 100):
        (tmp_path / f"{number % 2}").touch()
        (tmp_path / f"{number % 2}").unlink()
    is_quiet = house.bell.is_quiet()
    house.arm()
    (house.folder / "a.py").write_text("2")

    assert not is_quiet
    assert not house.bell.is_quiet()
    assert not house.gate.is_fresh()


def descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - numbers, not paths


@pytest.fixture
def bell_fds(house: House) -> list[int]:
    """The descriptors of an armed doorbell: inotify and the mounts."""
    house.file("a.py")
    house.arm()
    return [fd for fd in descriptors() if is_of_doorbell(fd)]


def is_of_doorbell(fd: int) -> bool:
    try:
        return fcntl.fcntl(fd, 11) == 61
    except OSError:
        return False


def test_closed_descriptor_has_everything_swept(house: House, bell_fds: list[int]) -> None:
    assert len(bell_fds) == 2
    for fd in bell_fds:
        os.close(fd)

    assert house.sweeps_of(5) == 5
    (house.folder / "a.py").write_text("2")
    assert not house.gate.is_fresh()


def test_descriptor_that_is_a_pipe_now_keeps_its_bytes(house: House, bell_fds: list[int]) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"of the application")
    for fd in bell_fds:
        os.dup2(read_end, fd)
    try:
        assert house.sweeps_of(5) == 5
        assert os.read(read_end, 100) == b"of the application"
        # Not closed, either: they are the application's.
        assert {read_end, *bell_fds} <= descriptors()
    finally:
        for fd in (read_end, write_end, *bell_fds):
            os.close(fd)


def test_descriptor_that_is_another_inotify_now_is_no_silence(
    house: House, bell_fds: list[int]
) -> None:
    """All inotify instances have one inode."""
    library = ctypes.CDLL(None)
    other = library.inotify_init1(os.O_NONBLOCK)
    for fd in bell_fds:
        os.dup2(other, fd)
    (house.folder / "a.py").write_text("2")
    try:
        assert not house.bell.is_quiet()
        assert not house.gate.is_fresh()
    finally:
        for fd in (other, *bell_fds):
            os.close(fd)


def test_forked_child_takes_nothing_from_the_queue(house: House, bell_fds: list[int]) -> None:
    (house.folder / "a.py").write_text("2")
    read_end, write_end = os.pipe()
    fork = os.fork  # noqa: TID251 - an application forks
    child = fork()
    if not child:
        has_any = any(is_of_doorbell(fd) for fd in bell_fds)
        os.write(write_end, b"%d%d" % (has_any, house.bell.is_quiet()))
        os._exit(0)
    try:
        assert select.select([read_end], [], [], 10)[0]
        told = os.read(read_end, 10)
    finally:
        os.waitpid(child, 0)
        os.close(read_end)
        os.close(write_end)

    assert told == b"00"
    assert not house.bell.is_quiet()


def test_limit_of_watches_has_everything_swept(house: House) -> None:
    for number in range(10):
        house.file(f"{number}.py")
    before = descriptors()
    bell = CountedDoorbell(house.record, limit=8)
    gate = Gate(house.record, doorbell=lambda: bell)

    assert all(gate.is_fresh() for _ in range(7))
    assert bell.sweeps == 5
    assert descriptors() == before


def test_unreadable_directory_above_has_what_is_below_swept(house: House) -> None:
    path = house.file("closed/a.py")
    house.file("open/b.py")
    path.parent.chmod(0o300)
    if os.access(path.parent, os.R_OK):
        pytest.skip("not shown: root may read everything")
    house.arm()
    deaf = [entry.path for entry in house.record.entries() if house.bell.is_deaf_to(entry)]
    path.parent.chmod(0o700)

    assert deaf == [str(path)]


def test_file_on_a_mount_that_rings_no_events_is_swept_each_time(house: House) -> None:
    """Of what the kernel makes up: there is no other such mount everywhere."""
    path = Path("/proc/self/comm")
    house.record.add(EntryKind.DATA, str(path), read_signature(str(path)))
    house.file("a.py")
    house.arm()
    deaf = [entry.path for entry in house.record.entries() if house.bell.is_deaf_to(entry)]

    assert deaf == [str(path)]
    assert house.sweeps_of(5) == 0


def test_change_of_a_file_that_rings_nowhere_is_seen(house: House) -> None:
    """By the shared memory of a mapping; the file is one of more than a part holds."""
    import mmap

    paths = [house.file(f"{number}.py") for number in range(200)]
    with paths[-1].open("r+b") as file, mmap.mmap(file.fileno(), 1) as mapping:
        house.arm()
        # The time changes with the first write after a sync only.
        mapping.flush()
        mapping[0:1] = b"2"
        is_quiet = house.bell.is_quiet()
        fresh = [house.gate.is_fresh() for _ in range(4)]

    assert is_quiet
    assert fresh[-1] is False
