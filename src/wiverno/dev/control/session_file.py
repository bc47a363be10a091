"""The PID file of a background session, and the details beside it.

`dev.pid` holds the pid and nothing else, as `kill $(cat dev.pid)` and every other reader
of PID files expects. What wiverno itself needs, above all the start time that tells a pid
that was given out again, is JSON in `dev.pid.session`.
"""

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from wiverno.core.exceptions import WivernoError
from wiverno.dev.control.process_identity import start_mark

# flock() has no deadline of its own.
_LOCK_POLL_S = 0.02


class SessionFileError(WivernoError):
    """A PID file does not tell which process it means."""


class SessionFileBusyError(WivernoError):
    """Another command works on the same PID file, and did not end in time."""


class Serving(StrEnum):
    """Who answers in a session."""

    NOTHING_YET = "nothing yet"
    APPLICATION = "application"
    PAGE = "page"
    WAITING_PAGE = "waiting page"
    """The import takes long, and goes on behind the page."""
    KEPT = "last good version"
    """In spite of a failure: `--on-error keep`."""


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """What is known about one background session. Times are monotonic, in seconds."""

    pid: int
    start_mark: str
    """See `process_identity`."""
    directory: str
    """Where it was started; its relative paths begin there."""
    words: tuple[str, ...]
    """Application and options, as for `wiverno run dev`."""
    log: str
    began_at_s: float
    url: str = ""
    session_id: str = ""
    serving: Serving = Serving.NOTHING_YET
    generation: int = 0
    """The generation that serves, or whose failure is shown or put up with."""
    build_began_at_s: float = 0.0
    """When the build of that generation began."""
    restart: int = 0
    headline: str = ""
    """Why the page is up, or the last good version is kept."""


class Finding(StrEnum):
    """What became of the process that a PID file names."""

    ABSENT = "absent"
    RUNNING = "running"
    GONE = "gone"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Look:
    """What a PID file says and whether it is still true."""

    finding: Finding
    pid: int = 0
    details: SessionDetails | None = None
    """Always there for RUNNING; for GONE and REUSED, what was known."""


class SessionFile:
    """The files of one background session. Every write is whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._details_path = _beside(self.path, ".session")
        self._lock_path = _beside(self.path, ".lock")

    def look(self) -> Look:
        """Raises SessionFileError for a file without a pid, or a live process of unknown kind."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return Look(Finding.ABSENT)
        pid = self._pid_from(text)
        details = self._read_details()
        if details is not None and details.pid != pid:
            # Somebody else wrote the PID file afterwards.
            details = None
        mark = start_mark(pid)
        if mark is None:
            return Look(Finding.GONE, pid, details)
        if details is None:
            if not self.path.exists():
                # Its session removed both files since the first line was read.
                return Look(Finding.ABSENT)
            raise SessionFileError(
                f"{str(self.path)!r} names the running process {pid}, and nothing shows that it "
                f"is a wiverno session. End it yourself, or remove the file."
            )
        if mark != details.start_mark:
            return Look(Finding.REUSED, pid, details)
        return Look(Finding.RUNNING, pid, details)

    def create(self, details: SessionDetails) -> None:
        """Name this session, instead of what stood there before."""
        # In this order: a PID file that can be read has its details.
        self._write(self._details_path, json.dumps(asdict(details)))
        self._write(self.path, f"{details.pid}\n")

    def update(self, details: SessionDetails) -> None:
        """Write new details, unless the files were removed or name another session."""
        if self._is_about(details):
            self._write(self._details_path, json.dumps(asdict(details)))

    def remove(self, details: SessionDetails) -> None:
        """Remove what is still about this session."""
        # In this order: see look().
        with contextlib.suppress(OSError, SessionFileError):
            if self._pid_from(self.path.read_text()) == details.pid:
                self.path.unlink(missing_ok=True)
        if self._is_about(details):
            self._details_path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove both, whatever they say. Only while locked, and nothing runs."""
        self.path.unlink(missing_ok=True)
        self._details_path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """One command at a time. Raises SessionFileBusyError after so many seconds.

        The lock file is removed at the end: nothing is left behind.
        """
        deadline = time.monotonic() + timeout_s
        while (fd := self._try_lock()) is None:
            if time.monotonic() > deadline:
                raise SessionFileBusyError(
                    f"Another wiverno command is still at work on {str(self.path)!r} after "
                    f"{timeout_s:g} s. Try again."
                )
            threading.Event().wait(_LOCK_POLL_S)
        try:
            yield
        finally:
            self._lock_path.unlink(missing_ok=True)
            os.close(fd)

    def _try_lock(self) -> int | None:
        fd = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it before has removed the file; a third one may lock its successor.
            if os.path.samestat(os.fstat(fd), self._lock_path.stat()):
                return fd
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def _pid_from(self, text: str) -> int:
        line = text.partition("\n")[0].strip()
        if line.isdecimal() and line.isascii() and 0 < int(line) < 2**31:
            return int(line)
        raise SessionFileError(
            f"{str(self.path)!r} is no PID file: its first line is {line[:40]!r}. "
            "Give another --pid-file, or remove it."
        )

    def _is_about(self, details: SessionDetails) -> bool:
        known = self._read_details()
        return known is not None and (known.pid, known.start_mark) == (
            details.pid,
            details.start_mark,
        )

    def _read_details(self) -> SessionDetails | None:
        try:
            values = json.loads(self._details_path.read_text())
            values["words"] = tuple(values["words"])
            values["serving"] = Serving(values["serving"])
            return SessionDetails(**values)
        except (OSError, ValueError, TypeError, KeyError):
            # Absent, or of another version: then nothing is known.
            return None

    def _write(self, path: Path, text: str) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(text)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
