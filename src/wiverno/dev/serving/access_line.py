"""One line per request, printed by the worker itself when the answer begins.

At its beginning, so that the line stands behind what the application printed before it
answered and before anything of the client's next request; and so that a stream which
stays open for hours is seen.
"""

import contextlib
import functools
import os
import select
import sys
import threading
import time
from typing import TextIO

_RESET = "\x1b[0m"
# A reader that is only slow takes a line within this; a request may wait so long, once.
_PATIENCE_S = 1.0
_COLOURS = {"2": "\x1b[32m", "3": "\x1b[36m", "4": "\x1b[33m", "5": "\x1b[31m"}


class AccessLine:
    """The line of one request; `show()` prints it, the first time only."""

    def __init__(self, method: str, target: str) -> None:
        self._method = method
        self._target = target
        self._began = time.monotonic()
        self._is_shown = False
        self.status = "500"
        """As the application gave it; an application that fails before gives a 500."""

    def show(self) -> None:
        stream = sys.__stdout__
        if self._is_shown or stream is None:
            return
        self._is_shown = True
        # Closed by the application, or its reader is gone: that is no reason not to serve.
        with contextlib.suppress(OSError, ValueError):
            text = format_access_line(
                time.strftime("%H:%M:%S"),
                self._method,
                self._target,
                self.status,
                (time.monotonic() - self._began) * 1000,
                coloured=_takes_colours(stream),
            )
            _output().show(stream, text)


class LineOutput:
    """Lines to a stream that may be blocked: a full pipe, or a terminal stopped by Ctrl+S.

    It waits once for the stream; from then on lines are dropped until there is room again,
    and the next one says how many. An answer does not wait for its line.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._is_blocked = False
        self._dropped = 0

    def show(self, stream: TextIO, line: str) -> None:
        """Raises OSError or ValueError when the stream is closed or its reader has gone."""
        # One at a time: room that was seen is for this line.
        with self._lock:
            if not self._has_room(stream):
                self._dropped += 1
                return
            if self._dropped:
                line = f"({self._dropped} lines were dropped: the output was blocked)\n{line}"
                self._dropped = 0
            stream.write(line + "\n")
            stream.flush()

    def _has_room(self, stream: TextIO) -> bool:
        try:
            fd = stream.fileno()
        except OSError:
            # What stands in for a file has no descriptor to ask.
            return True
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        self._is_blocked = not poll.poll(0 if self._is_blocked else self._patience_s * 1000)
        return not self._is_blocked


@functools.cache
def _output() -> LineOutput:
    """Made for the first line: the application may replace locks, as gevent does."""
    return LineOutput(_PATIENCE_S)


def _takes_colours(stream: TextIO) -> bool:
    """As rich decides for the lines of the supervisor; https://no-color.org."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("TERM", "") not in ("dumb", "unknown")


def format_access_line(
    clock: str, method: str, target: str, status: str, milliseconds: float, *, coloured: bool
) -> str:
    """`12:34:56 GET /path 200 0.8 ms`. Pure.

    What a client sent is shown in ASCII, so that it can neither move the cursor nor fail
    to be encoded.
    """
    shown_target = target.encode("unicode_escape").decode("ascii")
    code = status[:3]
    if coloured:
        code = f"{_COLOURS.get(code[:1], '')}{code}{_RESET}"
    return f"{clock} {method} {shown_target} {code} {milliseconds:.1f} ms"
