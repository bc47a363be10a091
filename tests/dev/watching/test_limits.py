"""The kernel's limits, set low for one process in namespaces of its own, and the full queue."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
from watchdog.version import VERSION_INFO

from tests.dev.watching.conftest import ConfinedWatcher, Recorder
from wiverno.dev.watching.limits import (
    INSTANCES,
    MANY_DIRECTORIES,
    WATCHES,
    describe_many,
    find_limit,
)

QUEUE_LIMIT = Path("/proc/sys/fs/inotify/max_queued_events")


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.processes
@pytest.mark.parametrize("is_cut", [False, True])
def test_watch_limit_is_told_with_number_and_remedy_and_the_rest_is_checked(
    tmp_path: Path, is_cut: bool
) -> None:
    files = [write(tmp_path / f"package{number}" / "views.py") for number in range(20)]
    if is_cut:
        write(tmp_path / ".git" / "x")
    with ConfinedWatcher(tmp_path, "echo 8 > /proc/sys/user/max_inotify_watches") as watcher:
        watcher.wait_until_ready()
        assert watcher.problems == [
            "Only 8 of 21 directories are watched: the limit user.max_inotify_watches = 8 is "
            "reached, by all your programs together (sudo sysctl "
            "user.max_inotify_watches=524288 raises it). All are checked every 1 s instead."
        ]
        for file in files:
            write(file, "x = 22\n")
        watcher.wait_for_all(files)


@pytest.mark.processes
def test_instance_limit_is_told_and_everything_is_checked(tmp_path: Path) -> None:
    file = write(tmp_path / "views.py")
    with ConfinedWatcher(tmp_path, "echo 0 > /proc/sys/user/max_inotify_instances") as watcher:
        watcher.wait_until_ready()
        assert len(watcher.problems) == 1
        assert (
            "No directory is watched: the limit user.max_inotify_instances = 0"
            in (watcher.problems[0])
        )
        write(file, "x = 22\n")
        watcher.wait_for("modified", file)


@pytest.mark.processes
def test_watch_limit_that_new_directories_reach_is_told(tmp_path: Path) -> None:
    write(tmp_path / "views.py")
    with ConfinedWatcher(tmp_path, "echo 8 > /proc/sys/user/max_inotify_watches") as watcher:
        watcher.wait_until_ready()
        assert watcher.problems == []
        files = [write(tmp_path / f"package{number}" / "views.py") for number in range(20)]
        watcher.wait_for_problem("New directories are not watched: the limit")
        later = [write(file, "x = 22\n") for file in files]
        watcher.wait_for_all(later)


def test_find_limit_names_the_one_that_is_lower() -> None:
    for name in (WATCHES, INSTANCES):
        sysctl, value = find_limit(name)
        assert sysctl.startswith(("fs.inotify.", "user."))
        assert value >= 0


def test_describe_many_says_how_many_and_what_to_do() -> None:
    assert describe_many(MANY_DIRECTORIES, ["/p"]) is None
    assert describe_many(20_000, ["/p", "/q"]) == (
        "Watching 20,000 directories in '/p', '/q'. "
        "If some hold no source code, leave them out with --ignore."
    )


@pytest.fixture
def short_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next observers get a queue of 16 events; the sysctl itself is put back at once."""
    from watchdog import observers
    from watchdog.observers.api import BaseObserver

    make: Callable[[], BaseObserver] = observers.Observer

    def make_with_short_queue() -> BaseObserver:
        before = QUEUE_LIMIT.read_text()
        try:
            QUEUE_LIMIT.write_text("16")
            return make()
        finally:
            QUEUE_LIMIT.write_text(before)

    if VERSION_INFO < (7, 1):
        pytest.skip("not shown: this version of watchdog does not tell that its queue ran over")
    try:
        QUEUE_LIMIT.write_text(QUEUE_LIMIT.read_text())
    except OSError as error:
        pytest.skip(f"not shown: the length of the queue may not be set here: {error}")
    monkeypatch.setattr(observers, "Observer", make_with_short_queue)


def run_while_no_thread_reads(command: str) -> None:
    """Run a shell command; no other thread of this process runs meanwhile.

    `PyDLL` calls a C function without letting go of the GIL: only so is it sure that
    watchdog does not read as fast as the shell writes.
    """
    assert ctypes.PyDLL(None).system(command.encode()) == 0


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.usefixtures("short_queue")
def test_queue_overflow_is_told_and_what_it_swallowed_too(
    recorder: Recorder, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_cut: bool
) -> None:
    if is_cut:
        write(tmp_path / ".git" / "x")
    packages = [tmp_path / f"package{number}" for number in range(10)]
    old = [write(package / "old.py") for package in packages]
    recorder.start()
    run_while_no_thread_reads(
        f"cd '{tmp_path}' && mkdir $(seq -f new%g 0 299) && rm package*/old.py && "
        "for folder in new*; do echo 'x = 1' > $folder/views.py; done"
    )
    new = [tmp_path / f"new{number}" / "views.py" for number in range(300)]
    recorder.wait_for_all([*new, *old])
    if not any("some were lost" in problem for problem in recorder.problems):
        recorder.wait_for_problem("some were lost")
    assert len(recorder.problems) == 1
    # Watches and queue are as good as new, in new directories too.
    for file in (packages[0] / "again.py", tmp_path / "new299" / "again.py"):
        recorder.wait_for_path(write(file))
    assert caplog.records == []
