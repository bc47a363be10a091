"""Real files, real events. Silence is proved by a later event that did arrive."""

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.dev.watching.conftest import DEADLINE_S, Recorder
from wiverno.dev.watching.limits import count_inotify_watches
from wiverno.dev.watching.watcher import (
    STOP_TIMEOUT_S,
    ChangeKind,
    WatchDirectoryError,
    Watcher,
)

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify")


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# `.git` makes the root a non-recursive watch; without it all is one recursive watch.
@pytest.fixture(params=["recursive", "cut"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    project = tmp_path / "tests" / "project"
    write(project / "app" / "routes.py")
    write(project / "app" / "deep" / "models.py")
    write(project / "run.py")
    if request.param == "cut":
        write(project / ".git" / "objects" / "ab" / "cd")
        write(project / "app" / "node_modules" / "x" / "y" / "z.py")
    return project


def still_alive_after(threads: set[threading.Thread], timeout_s: float) -> list[str]:
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in threads if thread.is_alive()]


class TestFiles:
    def test_write_in_place_is_told(self, recorder: Recorder, project: Path) -> None:
        recorder.start(project)
        (project / "app" / "routes.py").write_text("x = 2\n")
        recorder.wait_for("modified", project / "app" / "routes.py")

    def test_rename_over_is_told_for_the_target_only(
        self, recorder: Recorder, project: Path
    ) -> None:
        target = project / "app" / "routes.py"
        recorder.start(project)
        write(target.with_suffix(".tmp")).replace(target)
        recorder.wait_for("moved", target)
        assert {path for _, path in recorder.seen} == {str(target)}

    def test_create_delete_and_rename_are_told(self, recorder: Recorder, project: Path) -> None:
        new, renamed = project / "new.py", project / "renamed.py"
        recorder.start(project)
        write(new)
        recorder.wait_for("created", new)
        new.rename(renamed)
        recorder.wait_for("deleted", new)
        recorder.wait_for("moved", renamed)
        renamed.unlink()
        recorder.wait_for("deleted", renamed)

    def test_move_out_and_in_are_told(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        inside, outside = project / "run.py", tmp_path / "outside.py"
        recorder.start(project)
        inside.rename(outside)
        recorder.wait_for("deleted", inside)
        outside.rename(inside)
        recorder.wait_for("created", inside)

    def test_backup_outside_the_tree_then_write_is_told(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        file = project / "app" / "routes.py"
        recorder.start(project)
        file.rename(tmp_path / "routes.py~")  # vim with `backupdir`
        file.write_text("x = 2\n")
        recorder.wait_for("created", file)

    def test_vim_backup_beside_the_file_then_write_is_told(
        self, recorder: Recorder, project: Path
    ) -> None:
        file = project / "app" / "routes.py"
        recorder.start(project)
        file.rename(file.with_name("routes.py~"))
        file.write_text("x = 2\n")
        recorder.wait_for("created", file)

    def test_reading_and_editor_droppings_are_silent(
        self, recorder: Recorder, project: Path
    ) -> None:
        recorder.start(project)
        (project / "app" / "routes.py").read_text()
        list((project / "app").iterdir())
        for name in ["4913", "#routes.py#", "routes.py~", ".routes.py.swp", "data.json"]:
            write(project / "app" / name).unlink()
        (project / "app" / ".#routes.py").symlink_to("nobody@nowhere.1:2")
        recorder.assert_silent(project / "app" / "marker.py")

    def test_ignored_components_are_silent(self, recorder: Recorder, project: Path) -> None:
        write(project / "tests" / "test_a.py")
        write(project / "app" / "__pycache__" / "odd.py")
        write(project / "env" / "pyvenv.cfg")
        recorder.start(project)
        for folder in ["tests", "app/__pycache__", "env/lib", "app/node_modules/x", ".venv"]:
            write(project / folder / "changed.py", "x = 2\n")
        recorder.assert_silent(project / "contests.py")

    def test_given_patterns_replace_the_defaults(self, recorder: Recorder, project: Path) -> None:
        recorder.start(project, ignore_patterns=["deep/"])
        write(project / "app" / "deep" / "models.py", "x = 2\n")
        marker = write(project / "tests" / "test_a.py")
        recorder.wait_for_path(marker)
        assert [change for change in recorder.seen if "deep" in change[1]] == []


class TestDirectories:
    def test_new_directory_with_a_file_at_once_is_told(
        self, recorder: Recorder, project: Path
    ) -> None:
        recorder.start(project)
        file = write(project / "new" / "deep" / "views.py")
        recorder.wait_for_path(file)
        later = write(project / "new" / "deep" / "later.py")
        recorder.wait_for_path(later)

    def test_many_directories_inside_new_ones_are_told(
        self, recorder: Recorder, project: Path
    ) -> None:
        # watchdog 7 warns of a race in its own books here, and `-W error` kills its thread.
        recorder.start(project)
        files = [project / "new" / str(n) / "a" / "b" / "views.py" for n in range(60)]
        for file in files:
            write(file)
        recorder.wait_for_all(files)
        recorder.wait_for_path(write(project / "marker.py"))

    def test_tree_moved_in_is_told_and_later_edits_too(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        write(tmp_path / "tree" / "pkg" / "a.py")
        recorder.start(project)
        (tmp_path / "tree").rename(project / "tree")
        recorder.wait_for_path(project / "tree" / "pkg" / "a.py")
        write(project / "marker.py")  # Whatever the move still rings is told before it.
        recorder.wait_for_path(project / "marker.py")
        (project / "tree" / "pkg" / "a.py").write_text("x = 333\n")
        recorder.wait_for("modified", project / "tree" / "pkg" / "a.py")

    def test_directory_moved_away_is_told_and_its_later_edits_are_not(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        watcher = recorder.start(project)
        (project / "app").rename(tmp_path / "gone")
        recorder.wait_for("deleted", project / "app")
        recorder.wait_for_path(write(project / "later" / "views.py"))
        assert [watch for watch in watcher.watches if watch.path.endswith("app")] == []
        recorder.seen.clear()
        write(tmp_path / "gone" / "routes.py", "x = 4444\n")
        recorder.wait_for_path(write(project / "marker.py"))
        assert [change for change in recorder.seen if change[1].endswith("routes.py")] == []

    def test_directory_renamed_is_told_and_watched_under_its_new_name(
        self, recorder: Recorder, project: Path
    ) -> None:
        recorder.start(project)
        (project / "app").rename(project / "shop")
        recorder.wait_for("deleted", project / "app")
        recorder.wait_for_path(project / "shop" / "deep" / "models.py")
        (project / "shop" / "deep" / "models.py").write_text("x = 5555\n")
        recorder.wait_for("modified", project / "shop" / "deep" / "models.py")

    def test_directory_deleted_and_made_again_is_watched(
        self, recorder: Recorder, project: Path
    ) -> None:
        recorder.start(project)
        shutil.rmtree(project / "app")
        recorder.wait_for("deleted", project / "app")
        file = write(project / "app" / "routes.py")
        recorder.wait_for_path(file)
        later = write(project / "app" / "later.py")
        recorder.wait_for_path(later)

    def test_directory_without_python_deleted_is_silent(
        self, recorder: Recorder, project: Path
    ) -> None:
        write(project / "images" / "logo.png")
        recorder.start(project)
        shutil.rmtree(project / "images")
        recorder.assert_silent(project / "marker.py")

    def test_watch_directory_deleted_and_made_again_is_watched(
        self, recorder: Recorder, project: Path
    ) -> None:
        recorder.start(project)
        shutil.rmtree(project.parent)
        recorder.wait_for_problem("is gone. Its files are watched again when it is back.")
        file = write(project / "app" / "routes.py")
        recorder.wait_for_path(file)
        later = write(project / "app" / "later.py")
        recorder.wait_for_path(later)

    def test_watch_directory_whose_parent_comes_back_in_a_bad_moment_is_watched(
        self, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from watchdog.observers.api import BaseObserver

        project = tmp_path / "outer" / "project"
        write(project / "run.py")
        recorder.start(project)
        schedule = BaseObserver.schedule
        scheduled = threading.Event()

        def make_parent_then_schedule(
            self: BaseObserver, handler: Any, path: str, **options: Any
        ) -> object:
            if path == str(tmp_path):
                project.parent.mkdir()
            watch = schedule(self, handler, path, **options)
            if path == str(project.parent) or project.is_dir():
                scheduled.set()
            return watch

        monkeypatch.setattr(BaseObserver, "schedule", make_parent_then_schedule)
        shutil.rmtree(project.parent)
        assert scheduled.wait(DEADLINE_S)
        recorder.wait_for_path(write(project / "new.py"))


class TestRoots:
    def test_start_when_directory_is_missing_says_which_and_what_to_do(
        self, tmp_path: Path
    ) -> None:
        watcher = Watcher([str(tmp_path / "absent")], None, lambda kind, path: None)
        with pytest.raises(WatchDirectoryError, match=r"absent' does not exist\. Create it"):
            watcher.start()

    def test_start_when_directory_is_a_file_says_so(self, tmp_path: Path) -> None:
        watcher = Watcher([str(write(tmp_path / "a.py"))], None, lambda kind, path: None)
        with pytest.raises(WatchDirectoryError, match="is a file"):
            watcher.start()

    def test_overlapping_directories_are_merged(self, recorder: Recorder, tmp_path: Path) -> None:
        write(tmp_path / "app" / "a.py")
        watcher = recorder.start(tmp_path / "app", tmp_path, tmp_path)
        assert [watch.path for watch in watcher.watches] == [str(tmp_path)]

    def test_ignored_directory_given_itself_is_watched(
        self, recorder: Recorder, tmp_path: Path
    ) -> None:
        file = write(tmp_path / "tests" / "a.py")
        recorder.start(tmp_path, tmp_path / "tests")
        file.write_text("x = 22\n")
        recorder.wait_for("modified", file)

    def test_symlinked_directory_is_told_as_it_was_given(
        self, recorder: Recorder, tmp_path: Path
    ) -> None:
        write(tmp_path / "real" / "a.py")
        (tmp_path / "link").symlink_to("real")
        recorder.start(tmp_path / "link")
        write(tmp_path / "real" / "a.py", "x = 22\n")
        recorder.wait_for("modified", tmp_path / "link" / "a.py")

    def test_symlink_loop_ends(self, recorder: Recorder, tmp_path: Path) -> None:
        file = write(tmp_path / "app" / "a.py")
        (tmp_path / "app" / "loop").symlink_to(tmp_path)
        write(tmp_path / ".git" / "x")
        recorder.start(tmp_path)
        file.write_text("x = 22\n")
        recorder.wait_for("modified", file)


class TestPruning:
    def test_watches_leave_pruned_directories_out(self, recorder: Recorder, tmp_path: Path) -> None:
        for number in range(40):
            write(tmp_path / "web" / "node_modules" / str(number) / "lib" / "gyp.py")
            write(tmp_path / ".venv" / "lib" / str(number) / "a.py")
        write(tmp_path / "web" / "src" / "views.py")
        write(tmp_path / "api" / "__pycache__" / "a.pyc")
        watcher = recorder.start(tmp_path)
        assert {(watch.path, watch.is_recursive) for watch in watcher.watches} == {
            (str(tmp_path), False),
            (str(tmp_path / "web"), False),
            (str(tmp_path / "web" / "src"), True),
            (str(tmp_path / "api"), True),
        }

    @on_linux
    def test_inotify_watches_are_few_and_gone_after_stop(
        self, recorder: Recorder, tmp_path: Path
    ) -> None:
        for number in range(100):
            write(tmp_path / "node_modules" / str(number) / "index.py")
        write(tmp_path / "src" / "views.py")
        before = count_inotify_watches()
        watcher = recorder.start(tmp_path)
        assert count_inotify_watches() - before == 2
        watcher.stop()
        assert count_inotify_watches() == before


class TestStartAndStop:
    def test_saves_made_while_the_watches_do_not_stand_yet_are_told(
        self, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edited, removed = write(tmp_path / "a.py"), write(tmp_path / "b.py")
        from watchdog.observers.api import BaseObserver

        schedule = BaseObserver.schedule

        def save_then_schedule(self: object, *args: object, **options: object) -> object:
            edited.write_text("x = 22\n")
            removed.unlink()
            write(tmp_path / "c.py")
            return schedule(self, *args, **options)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(BaseObserver, "schedule", save_then_schedule)
        recorder.start(tmp_path)
        recorder.wait_for("modified", edited)
        recorder.wait_for("created", tmp_path / "c.py")
        recorder.wait_for("deleted", removed)

    def test_files_saved_before_start_are_silent(self, recorder: Recorder, tmp_path: Path) -> None:
        write(tmp_path / "a.py")
        recorder.start(tmp_path)
        recorder.assert_silent(tmp_path / "marker.py")

    def test_stop_before_start_and_twice_is_harmless(self, tmp_path: Path) -> None:
        watcher = Watcher([str(tmp_path)], None, lambda kind, path: None)
        watcher.stop()
        watcher.start()
        watcher.stop()
        watcher.stop()

    def test_stop_from_the_callback_returns(self, tmp_path: Path) -> None:
        stopped = threading.Event()

        def stop(kind: ChangeKind, path: str) -> None:
            watcher.stop()
            stopped.set()

        watcher = Watcher([str(tmp_path)], None, stop)
        watcher.start()
        assert watcher.ready.wait(DEADLINE_S)
        write(tmp_path / "a.py")
        assert stopped.wait(DEADLINE_S / 5)
        watcher.stop()

    def test_asking_to_stop_does_not_wait_and_ends_every_thread(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        told: list[str] = []
        held, released = threading.Event(), threading.Event()

        def hold_dispatcher(kind: ChangeKind, path: str) -> None:
            told.append(path)
            held.set()
            released.wait(DEADLINE_S)

        watcher = Watcher([str(tmp_path)], None, hold_dispatcher)
        watcher.start()
        assert watcher.ready.wait(DEADLINE_S)
        write(tmp_path / "a.py")
        assert held.wait(DEADLINE_S)
        write(tmp_path / "b.py")
        threads = set(threading.enumerate()) - before

        asked_at = time.monotonic()
        watcher.ask_to_stop()
        watcher.ask_to_stop()
        asking_s = time.monotonic() - asked_at

        assert asking_s < STOP_TIMEOUT_S / 2
        assert any(thread.is_alive() for thread in threads)
        released.set()
        assert still_alive_after(threads, DEADLINE_S) == []
        assert told == [str(tmp_path / "a.py")]

    def test_asking_to_stop_while_emitters_sleep_ends_them_all_at_once(
        self,
        recorder: Recorder,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        project, outside = tmp_path / "project", tmp_path / "outside"
        outside.mkdir()
        write(project / ".git" / "x")
        packages = [project / f"package{number}" for number in range(10)]
        for package in packages:
            write(package / "views.py")
        before = set(threading.enumerate())
        watcher = recorder.start(project)
        threads = set(threading.enumerate()) - before
        # watchdog's emitter waits half a second for the other half of each move.
        for package in packages:
            (package / "views.py").rename(outside / f"{package.name}.py")
        recorder.wait_for_path(write(project / "marker.py"))

        watcher.ask_to_stop()

        # One after the other they would need 5 s.
        assert still_alive_after(threads, 2.5) == []
        assert caplog.records == []

    def test_callback_that_raises_is_a_problem_and_watching_goes_on(self, tmp_path: Path) -> None:
        told: list[str] = []
        twice = threading.Event()
        problems: list[str] = []

        def fail(kind: ChangeKind, path: str) -> None:
            told.append(path)
            if str(tmp_path / "b.py") in told:
                twice.set()
            raise RuntimeError("no")

        watcher = Watcher([str(tmp_path)], None, fail, problems.append)
        watcher.start()
        assert watcher.ready.wait(DEADLINE_S)
        write(tmp_path / "a.py")
        write(tmp_path / "b.py")
        assert twice.wait(DEADLINE_S)
        watcher.stop()
        assert problems == ["The watcher's callback failed with RuntimeError('no')."]

    def test_observer_that_cannot_start_is_told_once(
        self, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: object, **options: object) -> None:
            raise OSError(24, "inotify instance limit reached")

        monkeypatch.setattr("watchdog.observers.Observer", refuse)
        recorder.start(tmp_path)
        assert len(recorder.problems) == 1
        assert "fs.inotify.max_user_instances" in recorder.problems[0]

    def test_watch_limit_is_told_once(
        self, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: object, **options: object) -> None:
            raise OSError(28, "inotify watch limit reached")

        write(tmp_path / ".git" / "x")
        for name in "abc":
            write(tmp_path / name / "x.py")
        monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)
        recorder.start(tmp_path)
        assert len(recorder.problems) == 1
        assert "fs.inotify.max_user_watches" in recorder.problems[0]


class TestReplacedRoots:
    """A watch stays with the directory, whatever its name: these ring nowhere."""

    def test_watch_directory_renamed_away_is_told_and_watched_when_it_is_back(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        recorder.start(project)
        project.rename(tmp_path / "away")
        recorder.wait_for("deleted", project)
        recorder.wait_for_problem("is gone. Its files are watched again when it is back.")
        write(tmp_path / "away" / "app" / "routes.py", "x = 22\n")
        (tmp_path / "away").rename(project)
        recorder.wait_for("created", project / "app" / "routes.py")
        (project / "run.py").write_text("x = 333\n")
        recorder.wait_for("modified", project / "run.py")

    def test_watch_directory_exchanged_for_another_is_told_by_difference(
        self, recorder: Recorder, project: Path, tmp_path: Path
    ) -> None:
        write(tmp_path / "other" / "app" / "routes.py", "x = 22\n")
        write(tmp_path / "other" / "new.py")
        recorder.start(project)
        project.rename(tmp_path / "away")
        (tmp_path / "other").rename(project)
        told = [project / "app" / "routes.py", project / "new.py", project / "run.py"]
        recorder.wait_for_all(told)
        recorder.wait_for_path(write(project / "app" / "later.py"))
        assert str(tmp_path / "away") not in str(recorder.seen)

    def test_watch_directory_that_was_a_file_for_a_while_is_watched(
        self, recorder: Recorder, tmp_path: Path
    ) -> None:
        project = tmp_path / "project"
        write(project / "run.py")
        recorder.start(project)
        project.rename(tmp_path / "away")
        write(project)
        recorder.wait_for_problem("is gone. Its files are watched again when it is back.")
        project.unlink()
        recorder.wait_for_path(write(project / "new.py"))
        recorder.wait_for_path(write(project / "later.py"))

    def test_watch_directory_whose_parent_is_exchanged_is_watched(
        self, recorder: Recorder, tmp_path: Path
    ) -> None:
        project = tmp_path / "release" / "project"
        write(project / "run.py")
        write(tmp_path / "next" / "project" / "run.py", "x = 22\n")
        recorder.start(project)
        (tmp_path / "release").rename(tmp_path / "away")
        (tmp_path / "next").rename(tmp_path / "release")
        recorder.wait_for_path(project / "run.py")
        recorder.wait_for_path(write(project / "new.py"))


class TestManyDirectories:
    @on_linux
    @pytest.mark.parametrize(
        "directories", [1_000, pytest.param(20_000, marks=pytest.mark.thorough)]
    )
    def test_save_in_the_last_of_many_directories_is_told(
        self, recorder: Recorder, tmp_path: Path, directories: int
    ) -> None:
        for number in range(directories):
            (tmp_path / f"p{number // 200}" / f"d{number}").mkdir(parents=True)
        number = directories - 1
        last = write(tmp_path / f"p{number // 200}" / f"d{number}" / "views.py")
        watcher = recorder.start(tmp_path)
        watches = directories + directories // 200 + 1
        if directories == 20_000:
            assert f"Watching {watches:,} directories in" in recorder.problems[0]
        assert watcher.count_watches() == watches
        last.write_text("x = 22\n")
        recorder.wait_for("modified", last)
