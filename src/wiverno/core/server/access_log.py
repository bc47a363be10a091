"""The access log: a line for each answer, formatted by whoever answered, written by one thread.

No request waits for whoever reads the log. When that falls behind, lines are dropped, counted,
and the number is said.
"""

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from wiverno.core.http.dates import MONTHS
from wiverno.core.server.gateway import ResponseSummary
from wiverno.core.server.settings import AccessLogFormat

logger = logging.getLogger("wiverno.core.server")

# At 300 bytes a line 3 MB, and a second of answers at full speed.
_MAX_WAITING_LINES = 10_000
# One write for all lines of this time: a write for each would wake a thread for each.
_GATHER_S = 0.05
# Enough for what waits at the end, unless nobody reads.
_CLOSE_TIMEOUT_S = 2.0
# How often a reader that is behind and does not block us is looked at.
_RETRY_S = 0.1

Write = Callable[[bytes], None]


class AccessLog:
    """A callable for `on_response`, between `start` and `close`."""

    def __init__(
        self,
        write: Write,
        log_format: AccessLogFormat = "combined",
        skipped_paths: tuple[str, ...] = (),
        *,
        max_waiting_lines: int = _MAX_WAITING_LINES,
    ) -> None:
        self._write = write
        self._format = _formatter(log_format)
        self._skipped_paths = frozenset(skipped_paths)
        self._max_waiting_lines = max_waiting_lines
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._dropping = threading.Lock()
        self._has_news = threading.Event()
        self._is_ending = threading.Event()
        self._has_failed = False
        # A daemon, since a write may never return.
        self._thread = threading.Thread(target=self._run, name="wiverno-access-log", daemon=True)

    def __call__(self, summary: ResponseSummary) -> None:
        """Log an answer; in a pool thread, which it never blocks."""
        if self._skipped_paths and summary.target.partition("?")[0] in self._skipped_paths:
            return
        if len(self._lines) >= self._max_waiting_lines:
            with self._dropping:
                self._dropped += 1
            return
        self._lines.append(self._format(summary))
        if not self._has_news.is_set():
            self._has_news.set()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, timeout_s: float = _CLOSE_TIMEOUT_S) -> None:
        """Write what waits, but no longer than `timeout_s`, and end."""
        self._is_ending.set()
        self._has_news.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning(
                "The access log's reader takes nothing; at least %d lines are lost",
                len(self._lines) + self._dropped,
            )

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._has_news.wait()
            is_last = self._is_ending.wait(_GATHER_S)
            # Clear, then take: a line that comes in between sets it again.
            self._has_news.clear()
            self._write_waiting()
            self._tell_dropped()

    def _write_waiting(self) -> None:
        batch = b"".join([self._lines.popleft() for _ in range(len(self._lines))])
        if not batch:
            return
        try:
            self._write(batch)
        except (OSError, ValueError) as error:  # ValueError: a stream that was closed.
            if not self._has_failed:
                logger.error("The access log cannot be written: %s", error)
            self._has_failed = True

    def _tell_dropped(self) -> None:
        with self._dropping:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.warning("The access log's reader is too slow; %d lines were dropped", dropped)


def write_to(stream: TextIO) -> Write:
    """How to write whole batches to a stream, which may be a pipe that nobody reads."""
    try:
        fd = stream.fileno()
    except (OSError, ValueError):  # Not a file: a test's, a notebook's.
        return lambda batch: _write_text(stream, batch)
    # Not through the stream: a thread that is stuck in it holds its lock, for which the
    # interpreter would wait at its end.
    return lambda batch: _write_all(fd, batch)


def _write_text(stream: TextIO, batch: bytes) -> None:
    stream.write(batch.decode("ascii"))
    stream.flush()


def _write_all(fd: int, batch: bytes) -> None:
    rest = memoryview(batch)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # Somebody has made the pipe, or the terminal, non-blocking.
            select.select([], [fd], [], _RETRY_S)


# --- Lines -------------------------------------------------------------------------------


def _formatter(log_format: AccessLogFormat) -> Callable[[ResponseSummary], bytes]:
    if log_format == "json":
        # Only then: json is a heavy import.
        from wiverno.core.server.access_log_json import json_line

        return json_line
    return combined_line if log_format == "combined" else common_line


def common_line(summary: ResponseSummary) -> bytes:
    """The Common Log Format, with the time when the request was complete."""
    return f"{_common(summary)}\n".encode("ascii")


def combined_line(summary: ResponseSummary) -> bytes:
    """The Combined Log Format: the common one, referer and user agent."""
    referer, user_agent = _quoted(summary.referer), _quoted(summary.user_agent)
    return f"{_common(summary)} {referer} {user_agent}\n".encode("ascii")


def _common(summary: ResponseSummary) -> str:
    request = f"{summary.method} {summary.target} {summary.protocol}" if summary.method else ""
    return (
        f"{summary.remote_address or '-'} - - {_time(time.time() - summary.duration_s)} "
        f"{_quoted(request)} {summary.status or '-'} {summary.body_bytes or '-'}"
    )


def _quoted(text: str) -> str:
    """As Apache writes it: neither a quote nor a line end of a client ends a field or a line."""
    if not text:
        return '"-"'
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    # Text of HTTP is latin-1 here, a character for a byte; all else has no place in it.
    return f"\\x{ord(character):02x}" if character <= "\xff" else "?"


_newest: tuple[int, str] = (0, "")


def _time(timestamp: float) -> str:
    """[10/Oct/2000:13:55:36 -0700]. By hand: strftime follows the locale."""
    global _newest  # One tuple, replaced whole: readers never see half of it.
    second, text = _newest
    if second != int(timestamp):
        local = time.localtime(timestamp)
        offset = local.tm_gmtoff // 60
        sign, (hours, minutes) = "+-"[offset < 0], divmod(abs(offset), 60)
        text = (
            f"[{local.tm_mday:02}/{MONTHS[local.tm_mon - 1]}/{local.tm_year}:"
            f"{local.tm_hour:02}:{local.tm_min:02}:{local.tm_sec:02} {sign}{hours:02}{minutes:02}]"
        )
        _newest = (int(timestamp), text)
    return text
