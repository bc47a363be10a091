"""One server on a project of its own, from its start until none of its processes is left."""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.reload.client import ask, pause
from benchmarks.reload.forms import files_of
from benchmarks.reload.freshness import Kind, judge
from benchmarks.reload.peers import Peer
from benchmarks.reload.projects import Project

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
QUIET_S = 1.5
"""Left alone that long after a fresh answer. The slowest look at the files once per second, and
hupper takes no second save within one."""

MARK = "RELOAD_BENCHMARK_SERVER"
"""In the environment of every process of a server: how those are found that left its group."""


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
        # What it writes stays out of the folder that it watches.
        self._folder = folder / "project"
        self._log = folder / "output"
        self.mark = uuid.uuid4().hex
        self._quiet_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        files = {
            **self.project.other_files(),
            **files_of(self.peer.form, is_flask=self.project.is_flask),
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
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
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
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        for pid in marked_processes(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT_S)
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
        }
        return [word.format(**places) for word in shlex.split(self.peer.command)]

    def _environment(self) -> dict[str, str]:
        # Bytecode is written, as it is for everybody who did not ask otherwise.
        unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", MARK}
        environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        path = f"{self._programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**environment, "PATH": path, MARK: self.mark}

    def _wait_until_fresh(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while judge(ask(self.port, "/"), self.version) is not Kind.FRESH:
            if not self.is_running or time.monotonic() > deadline:
                raise DidNotStartError(self.tail().strip() or "It ended without a word.")
            pause(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def marked_processes(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and wanted in _environment_of(entry)
    ]


def _environment_of(entry: Path) -> bytes:
    # Gone meanwhile, or a zombie, whose environment reads as empty.
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""
