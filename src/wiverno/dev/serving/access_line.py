"""One line per request, printed by the worker itself, so that it stands behind what the
application printed while it answered.
"""

import contextlib
import sys
import time

from wiverno.core.server.gateway import ResponseSummary

_RESET = "\x1b[0m"
_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[31m"}


def print_access_line(summary: ResponseSummary) -> None:
    stream = sys.__stdout__
    if stream is None:
        return
    line = format_access_line(summary, time.strftime("%H:%M:%S"), coloured=stream.isatty())
    # Closed by the application, or its reader is gone: that is no reason not to serve.
    with contextlib.suppress(OSError, ValueError):
        stream.write(line + "\n")
        stream.flush()


def format_access_line(summary: ResponseSummary, clock: str, *, coloured: bool) -> str:
    """`12:34:56 GET /path 200 0.8 ms`. Pure.

    What a client sent is shown in ASCII, so that it can neither move the cursor nor fail
    to be encoded.
    """
    target = summary.target.encode("ascii", "backslashreplace").decode("ascii")
    status = str(summary.status)
    if coloured:
        status = f"{_COLOURS.get(summary.status // 100, '')}{status}{_RESET}"
    return f"{clock} {summary.method} {target} {status} {summary.duration_s * 1000:.1f} ms"
