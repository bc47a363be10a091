"""Holds back what the application prints while it is imported, in the candidate itself.

Only what goes through `sys.stdout` and `sys.stderr`. What C code, other programs or the
dying interpreter write to the descriptors goes straight to them.
"""

import contextlib
import io
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from wiverno.dev.application_forks import in_child
from wiverno.dev.processes import child
from wiverno.dev.processes.output_file import Claim, OutputFile, Piece

SHOWN_AFTER_S = 2.0
"""Who imports longer than this wants to be seen at work."""

# Who prints that much wants it to be read as it comes, and memory is not for logs.
_LIMIT_BYTES = 1 << 20
# Nobody waits longer for somebody else who waits for a terminal that Ctrl+S has stopped.
_PATIENCE_S = 1.0
# Somebody at the terminal is asked something: by input() and pdb, by getpass.
_TERMINAL = "/dev/tty"


class HeldOutput:
    """The two streams of a candidate: held, until something lets them through for good."""

    def __init__(self, fd: int, shown_at: float | None) -> None:
        """`fd` is the output file. From `shown_at` on (monotonic) a write is held no longer."""
        self._file = OutputFile(fd, Claim.CANDIDATE)
        self._shown_at = shown_at
        self._streams: list[_Stream] = []
        self._held_bytes = 0
        self._is_importing = True
        self._printed: list[Piece] | None = []
        """By the import, for builds that go on in the middle of it; None: too much to keep."""
        self._printed_bytes = 0
        # A signal handler may print while its own thread holds it.
        self._lock = threading.RLock()
        self.is_held = True

    def begin(self) -> None:
        """From now on, what is printed goes to the file. What has no stream stays so."""
        self._replace("stdout", 1)
        self._replace("stderr", 2)
        self._notice_questions()
        os.register_at_fork(before=self._flush_before_fork)
        in_child(self._let_through)

    def go_on_in(self, fd: int, shown_at: float | None) -> None:
        """Hold for another build, in a process that was forked for it.

        That one has printed what the earlier one had when it was paused.
        """
        self._file = OutputFile(fd, Claim.CANDIDATE)
        self._shown_at = shown_at
        self.is_held = True
        for stream in self._streams:
            stream.hold_again()
        printed = self._printed or []
        self._held_bytes = sum(len(text) for _, text in printed)
        with contextlib.suppress(OSError):  # No memory: what is printed now releases all.
            for descriptor, text in printed:
                self._file.add(descriptor, text)

    def import_ended(self) -> None:
        """The build is judged now, and what is held is shown with the answer or not at all."""
        self._shown_at = None
        # Without the lock, which a thread may hold that writes to a stopped terminal. `release`
        # asks in the other order: one of the two sees it.
        self._is_importing = False
        self._printed = None
        if not self.is_held:
            self._let_through()

    def add(self, descriptor: int, text: bytes) -> bool:
        """False: it is not held any more, write it yourself."""
        # Not for ever: whoever has the lock may be in a finalizer that prints, and wait for the
        # buffer that this thread has locked.
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return False
        try:
            self._note((descriptor, text))
            is_overdue = self._shown_at is not None and time.monotonic() >= self._shown_at
            if is_overdue or self._held_bytes + len(text) > _LIMIT_BYTES:
                self.release()
            if not self.is_held:
                return False
            self._file.add(descriptor, text)
            self._held_bytes += len(text)
            return True
        except OSError:
            self.release()
            return False
        finally:
            self._lock.release()

    def release(self) -> None:
        """Write what is held and was not shown, and everything from now on, where it belongs."""
        with self._lock:
            if not self.is_held:
                return
            _write(self._claim())
            self.is_held = False
            if not self._is_importing:
                self._let_through()  # Until then it is noted.
            # What a signal handler printed in between.
            _write(self._claim())

    def go(self) -> None:
        """Release, but do not wait for somebody who does not read: there is work to do."""
        with self._lock:
            # Rarely any: what a thread printed after the supervisor had looked.
            pieces = self._claim()
            if not pieces:
                self.release()
                return
        releasing = threading.Thread(target=self._release_behind, args=(pieces,), daemon=True)
        releasing.start()
        releasing.join(_PATIENCE_S)

    def _release_behind(self, pieces: Sequence[Piece]) -> None:
        with self._lock:
            _write(pieces)
            self.release()

    def _note(self, piece: Piece) -> None:
        printed = self._printed
        if printed is None:
            return
        printed.append(piece)
        self._printed_bytes += len(piece[1])
        if self._printed_bytes > _LIMIT_BYTES:
            self._printed = None

    def _claim(self) -> Sequence[Piece]:
        # The application may have closed all descriptors that it does not know.
        with contextlib.suppress(OSError):
            return self._file.claim()
        return []

    def _let_through(self) -> None:
        # Without the lock: in a forked child a thread may hold it that is not there.
        self.is_held = False
        for stream in self._streams:
            stream.let_through()

    def _replace(self, name: str, descriptor: int) -> None:
        original: TextIO | None = getattr(sys, name)
        # Somebody's own object (sitecustomize) is left alone, and so is no stream at all.
        if type(original) is not io.TextIOWrapper or original is not getattr(sys, f"__{name}__"):
            return
        if original.fileno() != descriptor:
            return
        original.flush()
        stream = _Stream(descriptor, self.add)
        self._streams.append(stream)
        held = _like(original, stream)
        setattr(sys, name, held)
        setattr(sys, f"__{name}__", held)

    def _flush_before_fork(self) -> None:
        """What the child inherits in a buffer it would print again."""
        if self.is_held:
            child.flush_output()

    def _notice_questions(self) -> None:
        # A plain function: of a bound method the interpreter asks for an attribute at each of
        # the thousands of events, which costs eight times as much as the call.
        def notice(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "builtins.input" or (
                # Only text: other objects may raise when they are compared.
                event == "open" and type(arguments[0]) is str and arguments[0] == _TERMINAL
            ):
                self._let_answer()

        sys.addaudithook(notice)

    def _let_answer(self) -> None:
        if self.is_held:
            child.flush_output()
            self.release()


class _Stream(io.FileIO):
    """The real descriptor in everything but `write`, as long as it is held."""

    def __init__(self, fd: int, hold: Callable[[int, bytes], bool]) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._hold = hold
        self._place = _place(fd)

    def write(self, data: Any) -> int:
        fd = self.fileno()
        # The application may have led the descriptor elsewhere (`os.dup2`): not our business.
        if _place(fd) != self._place or not self._hold(fd, text := bytes(data)):
            return super().write(data)
        return len(text)

    def let_through(self) -> None:
        """Nothing of Python is between any more: no signal handler or finalizer runs inside."""
        self.write = super().write  # type: ignore[method-assign, assignment]  # that is the point

    def hold_again(self) -> None:
        self.__dict__.pop("write", None)


def _like(original: io.TextIOWrapper, stream: _Stream) -> io.TextIOWrapper:
    """What the interpreter would have made of the stream, with the original's settings."""
    stream.name = original.name
    is_unbuffered = isinstance(original.buffer, io.RawIOBase)
    text = io.TextIOWrapper(
        stream if is_unbuffered else io.BufferedWriter(stream),  # As -u does.
        encoding=original.encoding,
        errors=original.errors,
        newline="\n",
        line_buffering=original.line_buffering,
        write_through=original.write_through,
    )
    text.mode = original.mode  # type: ignore[misc]  # an attribute that the interpreter sets, too
    return text


def _place(fd: int) -> tuple[int, int] | None:
    """Which file the descriptor leads to; None when it is closed."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _write(pieces: Sequence[Piece]) -> None:
    # Nobody reads any more: that is no reason not to go on.
    with contextlib.suppress(OSError):
        for descriptor, text in pieces:
            _write_all(descriptor, text)


def _write_all(fd: int, text: bytes) -> None:
    while text:
        try:
            text = text[os.write(fd, text) :]
        except BlockingIOError:  # Some other process has made the terminal non-blocking.
            select.select([], [fd], [])
