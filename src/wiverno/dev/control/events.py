"""The supervisor's events as JSON lines, on a descriptor that it inherited.

Tests, benchmarks and other programs read what the supervisor did from here, with
times, instead of guessing it from output. `docs/protocol.md` lists the events.
"""

import json
import os
import time
from typing import Any

from wiverno.dev.control.background_writer import BackgroundWriter
from wiverno.dev.control.write_end import WriteEnd

EVENTS_FD_VARIABLE = "WIVERNO_EVENTS_FD"
"""Environment variable that names the inherited descriptor."""

# Thousands of events, or some that list all files of a `git checkout`.
_LIMIT_BYTES = 1024 * 1024
# A reader that reads has them sooner; the end of the session waits for no other.
_CLOSE_TIMEOUT_S = 0.2


class EventStream:
    """Writes events; a reader that went away or does not read costs events, never the session.

    Every line is whole. Where events were dropped a `dropped` event says how many.
    """

    def __init__(self, fd: int | None) -> None:
        """Takes `fd` over, unless it is stdin, stdout or stderr, which stay as they are.

        Raises OSError when it is not open for writing.
        """
        self._writer: BackgroundWriter | None = None
        if fd is None:
            return
        self._writer = BackgroundWriter(
            WriteEnd(fd), _LIMIT_BYTES, lambda count: _line("dropped", {"count": count})
        )
        if fd > 2:
            # The session's own processes and the application's must not hold it open.
            os.close(fd)

    @classmethod
    def from_environment(cls) -> "EventStream":
        """The stream that the variable asks for; one that goes nowhere without it."""
        text = os.environ.get(EVENTS_FD_VARIABLE, "")
        if not text.isdecimal():
            return cls(None)
        try:
            # Below another session the variable may come along without the descriptor. What
            # has its number here is Python's own, and those are never inheritable.
            fd = int(text)
            return cls(fd if os.get_inheritable(fd) else None)
        except (OSError, OverflowError, ValueError):
            return cls(None)

    def emit(self, event: str, **values: Any) -> None:
        if self._writer is not None:
            self._writer.write(_line(event, values))

    def close(self) -> None:
        """Give a reader that is late a moment for the rest. Twice is harmless."""
        if self._writer is not None:
            self._writer.close(_CLOSE_TIMEOUT_S)


def _line(event: str, values: dict[str, Any]) -> bytes:
    line = json.dumps({"event": event, "at_s": time.monotonic(), **values})
    return line.encode() + b"\n"
