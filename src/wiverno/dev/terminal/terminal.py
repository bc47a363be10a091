"""Prints the screen's lines to stdout: in colour to a terminal, plain to anything else.

The one module that imports rich, and only when a coloured line goes to a terminal.
"""

import contextlib
import io
import itertools
import operator
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from wiverno.dev.control.background_writer import BackgroundWriter
from wiverno.dev.control.write_end import WriteEnd
from wiverno.dev.decisions.placement import Place
from wiverno.dev.terminal import screen
from wiverno.dev.terminal.screen import Characters, Line, RestartSummary, Segment

if TYPE_CHECKING:
    from rich.console import Console


# Stands for a text while rich is asked for the codes around it.
_MARK = "x"
# A hundred restarts. Who comes back after more than that wants to know how it stands now.
_LIMIT_BYTES = 64 * 1024


class Terminal:
    """What the supervisor says to the person in front of it.

    Each method prints whole lines at once while there is room for them; otherwise (a full
    pipe, Ctrl+S) they are printed when there is, in the background, and no method waits.
    When stdout is closed it goes silent: a server must not end because nobody reads its
    output any more.
    """

    def __init__(self, stream: TextIO | None = None, *, is_verbose: bool = False) -> None:
        """`is_verbose` also tells where the time of restarts goes."""
        self._is_verbose = is_verbose
        # sys.stdout is None under pythonw and some service managers.
        self._stream = sys.stdout if stream is None else stream
        self._is_silent = self._stream is None
        self._is_closed = False
        self._lock = threading.Lock()
        self._console: Console | None = None
        self._codes: dict[str, tuple[str, str]] = {}
        self._writers: dict[int, BackgroundWriter] = {}
        self._flush_stream()

    def starting(self, target: str, url: str) -> None:
        """The first build begins; requests already wait at `url`."""
        self._print(screen.starting_lines(target, url))

    def restarting(self, changed: Sequence[str]) -> None:
        """These files changed and a build begins."""
        self._print(screen.restarting_lines(changed, self._characters()))

    def serving(self, url: str, debug: bool | None, restart: int, summary: RestartSummary) -> None:
        """A worker serves: the panel, and what the restart cost."""
        characters = self._characters()
        self._print(
            [
                *screen.panel_lines(url, debug, restart, self._width(), characters),
                *screen.summary_lines(summary, restart, characters, is_verbose=self._is_verbose),
            ]
        )

    def template_ready(self, roots: Sequence[str]) -> None:
        """These modules need not be imported again. Only when verbose, as the two below."""
        self._print_details(screen.template_ready_lines(roots))

    def snapshot_taken(self, path: str, place: Place, import_s: float) -> None:
        """So much import time is saved by what was kept at this point of the import."""
        self._print_details(screen.snapshot_taken_lines(self._in_project(path), place, import_s))

    def began_again(self, why: str) -> None:
        """A build is repeated without anything that was kept."""
        self._print_details(screen.began_again_lines(why))

    def root_refused(self, name: str, reason: str, import_s: float) -> None:
        """This module is left to each restart."""
        self._print(screen.root_refused_lines(name, reason, import_s))

    def snapshot_refused(
        self, reason: str, path: str, place: Place, *, restart_ms: float, fast_ms: float
    ) -> None:
        """Nothing can be kept from this point of the import on; restarts take that long."""
        where = screen.place_in_import(self._in_project(path), place)
        self._print(screen.snapshot_refused_lines(reason, where, restart_ms, fast_ms))

    def failed(
        self, headline: str, where: str, detail_lines: Iterable[str], outlook: str = ""
    ) -> None:
        """A build failed. `where` may be empty; without `outlook` its page is served."""
        self._print(
            screen.failed_lines(
                headline, where, detail_lines, self._characters(), outlook or screen.outlook()
            )
        )

    def waiting_changes(self, changed: Sequence[str], pid: int | None) -> None:
        """These files changed. `pid` takes the signal to restart, if one does."""
        self._print(screen.waiting_changes_lines(changed, pid))

    def restarts_itself(self, path: str, option: str) -> None:
        """This path restarted the application too often; `option` ends that, if one does."""
        self._print(screen.self_restarter_lines(path, option))

    def worker_died(self, text: str) -> None:
        """A worker ended by itself: one line with exit code or signal."""
        self._print(screen.worker_died_lines(text))

    def notice(self, text: str) -> None:
        """One plain line."""
        self._print([(Segment(text),)])

    def stopping(self) -> None:
        """Ctrl+C or a signal arrived."""
        self._print([(Segment("Stopping."),)])

    def output(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """What a build has printed: texts, each for descriptor 1 or 2 of this process."""
        with self._lock:
            if self._is_closed:
                return
            for descriptor, group in itertools.groupby(pieces, operator.itemgetter(0)):
                text = b"".join(text for _, text in group)
                # Closed: then nobody misses it.
                with contextlib.suppress(OSError):
                    self._writer(descriptor).write(text)

    def close(self, timeout_s: float) -> None:
        """The session's last word: give what still waits this long, then be silent.

        Leaves stdout open and no thread behind. Returns at once when nothing waits; twice
        is harmless.
        """
        with self._lock:
            self._is_silent = self._is_closed = True
            deadline = time.monotonic() + timeout_s
            for writer in self._writers.values():
                writer.close(max(0.0, deadline - time.monotonic()))

    def _print_details(self, lines: Sequence[Line]) -> None:
        if self._is_verbose:
            self._print(lines)

    def _in_project(self, path: str) -> str:
        # The folder may have been removed.
        with contextlib.suppress(OSError):
            return screen.relative_path(path, os.getcwd())  # noqa: PTH109 - compared as text
        return path

    def _flush_stream(self) -> None:
        """What the program printed itself comes first; later it is not for us to wait for."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def _print(self, lines: Sequence[Line]) -> None:
        with self._lock:
            if self._is_silent:
                return
            try:
                # One write: what workers print meanwhile stands before or behind, never between.
                self._write("".join(map(self._rendered, lines)))
            except (OSError, ValueError):  # ValueError: the file object itself was closed.
                self._is_silent = True

    def _write(self, text: str) -> None:
        fd = self._descriptor()
        if fd is None:
            self._stream.write(text)
            self._stream.flush()
            return
        self._writer(fd).write(text.encode(self._encoding()))

    def _writer(self, fd: int) -> BackgroundWriter:
        """One for each file, or what goes to both descriptors would lose its order."""
        for known, writer in self._writers.items():
            if _are_same(known, fd):
                return writer
        return self._writers.setdefault(
            fd, BackgroundWriter(WriteEnd(fd), _LIMIT_BYTES, self._dropped_note)
        )

    def _descriptor(self) -> int | None:
        """None for what only stands in for a file: it may do more with a text than write it."""
        if not isinstance(self._stream, io.TextIOWrapper):
            return None
        try:
            return self._stream.fileno()
        except io.UnsupportedOperation:
            return None

    def _dropped_note(self, count: int) -> bytes:
        text = f"({count} messages were dropped: the output was blocked)\n"
        return text.encode(self._encoding())

    def _rendered(self, line: Line) -> str:
        safe = tuple(Segment(self._safe(text), style) for text, style in line)
        if self._is_terminal() and any(segment.style for segment in line):
            return "".join(map(self._coloured, safe)) + "\n"
        return screen.plain_text(safe).rstrip() + "\n"

    def _coloured(self, segment: Segment) -> str:
        """The text between the codes of its style, which rich takes from the environment."""
        if not segment.style:
            return segment.text
        if segment.style not in self._codes:
            with self._rich().capture() as captured:
                self._rich().print(_MARK, style=segment.style, end="", highlight=False)
            before, _, after = captured.get().partition(_MARK)
            self._codes[segment.style] = (before, after)
        before, after = self._codes[segment.style]
        return f"{before}{segment.text}{after}"

    def _rich(self) -> "Console":
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self._stream)
        return self._console

    def _safe(self, text: str) -> str:
        """Text that the stream can encode; file names may hold bytes that are no text at all."""
        encoding = self._encoding()
        return screen.printable(text).encode(encoding, "backslashreplace").decode(encoding)

    def _encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def _characters(self) -> Characters:
        try:
            str(screen.UNICODE).encode(self._encoding())
        except UnicodeEncodeError:
            return screen.ASCII
        return screen.UNICODE

    def _is_terminal(self) -> bool:
        return self._stream.isatty()

    def _width(self) -> int | None:
        """Columns of the terminal; None when the output is none, or it does not tell."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if self._is_terminal():
                return os.get_terminal_size(self._stream.fileno()).columns or None
        return None


def _are_same(fd: int, other: int) -> bool:
    # Closed meanwhile: then it is another one.
    with contextlib.suppress(OSError):
        return fd == other or os.path.sameopenfile(fd, other)
    return False
