"""A recorder of changes, and a guard that no thread outlives its test."""

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest

from wiverno.dev.watching.watcher import ChangeKind, Watcher

DEADLINE_S = 10.0

Change = tuple[str, str]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []


class Recorder:
    """Starts a watcher below a directory and waits for the changes that it tells."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        self.seen: list[Change] = []
        self._changes: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self._watchers: list[Watcher] = []

    def start(
        self, *directories: Path | str, ignore_patterns: Sequence[str] | None = None
    ) -> Watcher:
        watcher = Watcher(
            [str(directory) for directory in directories or [self.root]],
            ignore_patterns,
            self._record,
            self._record_problem,
        )
        self._watchers.append(watcher)
        watcher.start()
        assert watcher.ready.wait(DEADLINE_S)
        return watcher

    def stop(self) -> None:
        for watcher in self._watchers:
            watcher.stop()

    def _record(self, kind: ChangeKind, path: str) -> None:
        self._changes.put((str(kind), path))

    def _record_problem(self, text: str) -> None:
        self.problems.append(text)
        self._changes.put(("problem", text))

    def wait_for_problem(self, words: str) -> None:
        self.wait_until(lambda change: change[0] == "problem" and words in change[1], words)

    def wait_for(self, kind: str, path: Path) -> None:
        """Wait until this change was told; everything told until then is in `seen`."""
        self.wait_until(lambda change: change == (kind, str(path)), f"{kind} {path}")

    def wait_for_path(self, path: Path) -> None:
        self.wait_until(lambda change: change[1] == str(path), f"anything about {path}")

    def wait_for_all(self, paths: Sequence[Path]) -> None:
        """Wait until something was told about each path, in whatever order."""
        missing = {str(path) for path in paths}
        while missing:
            self.wait_until(lambda change: change[1] in missing, f"anything about {missing}")
            missing.discard(self.seen[-1][1])

    def wait_until(self, is_wanted: Callable[[Change], bool], wanted: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                change = self._changes.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"never told: {wanted}; told: {self.seen}; problems: {self.problems}"
                ) from None
            self.seen.append(change)
            if is_wanted(change):
                return

    def assert_silent(self, marker: Path) -> None:
        """Prove that nothing was told so far: the marker, saved now, is the first news."""
        marker.write_text("marker = 1\n")
        self.wait_for_path(marker)
        assert [change for change in self.seen if change[1] != str(marker)] == []


class ConfinedWatcher(Recorder):
    """A watcher in user, mount and process namespaces of its own, after a shell script there.

    Whatever the script mounts or limits is gone when the process ends. If the script is
    refused, the test is skipped with the reason.
    """

    def __init__(self, root: Path, script: str) -> None:
        super().__init__(root)
        self.script = script
        self._ran: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        unshare = shutil.which("unshare")
        if unshare is None:
            pytest.skip("not shown: there is no `unshare` here (Linux, package util-linux)")
        self._process = subprocess.Popen(
            [
                *(unshare, "--user", "--map-root-user", "--mount", "--propagation", "private"),
                *("--pid", "--fork", "--kill-child"),
                *("sh", "-c", f'set -e; {self.script}; exec "$@"', "sh"),
                *(sys.executable, "-m", "tests.dev.watching.driver", str(self.root)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        try:
            self._process.wait(DEADLINE_S)
        finally:
            self._process.kill()
            self._process.wait(DEADLINE_S)
            self._reader.join(DEADLINE_S)
            self._process.stderr.close()

    def wait_until_ready(self) -> None:
        self.wait_until(lambda change: change[0] in {"ready", "end"}, "ready")
        if self.seen[-1][0] == "end":
            assert self._process.stderr is not None
            reason = self._process.stderr.read().strip()
            assert "Traceback" not in reason, reason
            pytest.skip(f"not shown: denied here: {reason}")

    def run(self, command: str) -> None:
        """Run a shell command in the watcher's namespaces; it must succeed."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        # What the watcher tells meanwhile, perhaps of this very command, waits to be asked for.
        result = self._ran.get(timeout=DEADLINE_S)
        assert result == "0", result

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                kind, text = json.loads(line)
                if kind == "ran":
                    self._ran.put(text)
                    continue
                if kind == "problem":
                    self.problems.append(text)
                self._changes.put((kind, text))
        self._changes.put(("end", ""))


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path)
    yield recorder
    recorder.stop()
