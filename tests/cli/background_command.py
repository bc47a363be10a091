"""`wiverno start`, `stop`, `restart` and `status` as a script calls them, in one folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.dev.harness import processes_of_session

_DEADLINE_S = 60.0


class Background:
    """The commands on one PID file in a folder. A context manager that leaves no session behind."""

    def __init__(self, folder: Path, pid_file: str = "dev.pid") -> None:
        self.folder = folder
        self.pid_file = folder / pid_file
        self.log = self.pid_file.with_suffix(".log")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and self.log.exists():
            error.add_note(f"--- log\n{self.log.read_text(errors='replace')[-6000:]}")
        details = self.details()
        if details is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(details["pid"], signal.SIGKILL)
            for pid in processes_of_session(details["session_id"]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(command, *words),
            cwd=self.folder,
            # A pipe, so that it is seen whether the session keeps it.
            input="",
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
        )

    def command(self, command: str, *words: str) -> list[str]:
        pid_file = ("--pid-file", self.pid_file.name)
        return [sys.executable, "-m", "wiverno", command, *pid_file, *words]

    def start(self, *words: str) -> dict[str, Any]:
        """Start on a free port; what `status --json` then says."""
        done = self.run("start", "--port", "0", *words)
        assert done.returncode == 0, done.stderr
        return self.status()

    def status(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return values

    def details(self) -> dict[str, Any] | None:
        """What stands beside the PID file."""
        path = self.pid_file.with_name(f"{self.pid_file.name}.session")
        with contextlib.suppress(OSError):
            details: dict[str, Any] = json.loads(path.read_text())
            return details
        return None

    def left(self) -> set[str]:
        """The files beside the application."""
        return {path.name for path in self.folder.iterdir() if path.suffix != ".py"}


def port_of(status: dict[str, Any]) -> int:
    return int(status["url"].rpartition(":")[2])
