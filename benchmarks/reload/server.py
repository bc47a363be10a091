"""One server on a project of its own, from its start until none of its processes is left."""

import shlex
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.processes import free_port, pause, start_marked, stop_marked
from benchmarks.reload.client import REQUEST_TIMEOUT_S, ask
from benchmarks.reload.forms import Entry, entry_of
from benchmarks.reload.freshness import Attempt, Kind, judge
from benchmarks.reload.peers import Peer
from benchmarks.reload.project import Project

START_TIMEOUT_S = 60.0
QUIET_S = 1.5
"""Left alone that long after a fresh answer. The slowest look at the files once per second, and
hupper takes no second save within one."""


class DidNotStartError(Exception):
    """The server gave no fresh answer after its start. The text says what it wrote."""


class Server:
    """A context manager: started and answering inside, gone with all its processes after."""

    def __init__(self, peer: Peer, project: Project, folder: Path, programs: Path) -> None:
        self.peer = peer
        self.project = project
        self.port = 0
        self.version = 1
        self._programs = programs
        self._entry = entry_between(peer, project)
        # What it writes stays out of the folder that it watches.
        self._folder = folder / "project"
        self._log = folder / "output"
        self.mark = uuid.uuid4().hex
        self._quiet_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        files = {
            **self.project.other_files(),
            **self._entry.files,
            self.project.edited: self.project.text(self.version),
        }
        for name, text in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the processes and wait for an answer with the version on disk.

        Raises DidNotStartError.
        """
        self.port = free_port()
        self._process = start_marked(
            self._command(), self._folder, self._log, self._programs, self.mark
        )
        try:
            self._wait_until_fresh()
        except BaseException:
            self.stop()
            raise
        self.rest()

    def stop(self) -> None:
        if self._process is None:
            return
        stop_marked(self._process, self.mark)
        self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def restart_if_ended(self) -> bool:
        """True if it had ended and was started again."""
        if self.is_running:
            return False
        self.stop()
        self.start()
        return True

    def ask(self, timeout_s: float = REQUEST_TIMEOUT_S) -> Attempt:
        """One request for the version, on a connection of its own."""
        return ask(self.port, self.project.path, timeout_s)

    # Saves.

    def save_next(self) -> float:
        """Save the next version; the moment at which the save was complete."""
        self.version += 1
        return self.save(self.project.text(self.version))

    def save(self, text: str) -> float:
        """In place, in one write, as most editors and all agents do."""
        with self.edited.open("w") as file:
            file.write(text)
        return time.perf_counter()

    @property
    def edited(self) -> Path:
        return self._folder / self.project.edited

    def rest(self) -> None:
        """From now on the server is left alone for a while."""
        self._quiet_at = time.monotonic() + QUIET_S

    def wait_until_quiet(self) -> None:
        pause(max(0.0, self._quiet_at - time.monotonic()))

    def tail(self) -> str:
        """The end of what the server wrote."""
        return self._log.read_text(errors="replace")[-1500:]

    def _command(self) -> list[str]:
        places = {
            "bin": str(self._programs),
            "python": str(self._programs / "python"),
            "port": str(self.port),
            "app": self._entry.app,
        }
        return [word.format(**places) for word in shlex.split(self.peer.command)]

    def _wait_until_fresh(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while judge(self.ask(), self.version) is not Kind.FRESH:
            if not self.is_running or time.monotonic() > deadline:
                raise DidNotStartError(self.tail().strip() or "It ended without a word.")
            pause(0.05)


def entry_between(peer: Peer, project: Project) -> Entry:
    entry = entry_of(peer.form, project.application)
    if entry is None:
        raise DidNotStartError(f"{peer.name} runs no application of the kind of {project.name}.")
    return entry
