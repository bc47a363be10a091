"""The supervisor's events as JSON lines, on a descriptor that it inherited.

Tests, benchmarks and other programs read what the supervisor did from here, with
times, instead of guessing it from output. `docs/protocol.md` lists the events.
"""

import contextlib
import json
import os
import time
from typing import Any

EVENTS_FD_VARIABLE = "WIVERNO_EVENTS_FD"
"""Environment variable that names the inherited descriptor."""


class EventStream:
    """Writes events; a reader that went away or does not read costs events, never the session."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        if fd is not None:
            # The session's own processes and the application's must not hold it open.
            os.set_inheritable(fd, False)
            os.set_blocking(fd, False)

    @classmethod
    def from_environment(cls) -> "EventStream":
        text = os.environ.get(EVENTS_FD_VARIABLE, "")
        if not text.isdigit():
            return cls(None)
        try:
            os.fstat(int(text))
        except OSError:
            # A process below another session: the variable came along, the descriptor did not.
            return cls(None)
        return cls(int(text))

    def emit(self, event: str, **values: Any) -> None:
        if self._fd is None:
            return
        line = json.dumps({"event": event, "at_s": time.monotonic(), **values}) + "\n"
        try:
            os.write(self._fd, line.encode())
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None
