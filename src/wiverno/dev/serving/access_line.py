"""One line per request, printed by the worker itself when the answer begins.

At its beginning, so that the line stands behind what the application printed before it
answered and before anything of the client's next request; and so that a stream which
stays open for hours is seen.
"""

import contextlib
import sys
import time

from wiverno.core.wsgi_types import Environ

_RESET = "\x1b[0m"
_COLOURS = {"2": "\x1b[32m", "3": "\x1b[36m", "4": "\x1b[33m", "5": "\x1b[31m"}


class AccessLine:
    """The line of one request; `show()` prints it, the first time only."""

    def __init__(self, environ: Environ) -> None:
        self._method: str = environ["REQUEST_METHOD"]
        self._target: str = environ["REQUEST_URI"]
        self._began = time.monotonic()
        self._is_shown = False
        self.status = "500"
        """As the application gave it; an application that fails before gives a 500."""

    def show(self) -> None:
        stream = sys.__stdout__
        if self._is_shown or stream is None:
            return
        self._is_shown = True
        text = format_access_line(
            time.strftime("%H:%M:%S"),
            self._method,
            self._target,
            self.status,
            (time.monotonic() - self._began) * 1000,
            coloured=stream.isatty(),
        )
        # Closed by the application, or its reader is gone: that is no reason not to serve.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text + "\n")
            stream.flush()


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
