"""An exception as data, for the page that shows it while debugging.

Reads source files through `linecache`, so that what is shown is what runs; knows no page.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from wiverno.core.failure_limits import (
    MAX_ERRORS,
    MAX_FRAMES,
    MAX_MESSAGE_CHARACTERS,
    MAX_TRACEBACK_CHARACTERS,
    OUTER_FRAMES_KEPT,
    cut,
)

MAX_SOURCE_LINE_CHARACTERS = 500
LINES_AROUND = 5

_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - compared as text
_WIVERNO = __file__.removesuffix(f"core{os.sep}failures.py")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of an excerpt. Of one that fails, the columns `start` to `end`, from 0, do."""

    number: int
    text: str
    is_failing: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the code; `is_user` says whether it is code of the application."""

    file: str
    line: int
    function: str
    is_user: bool
    source: tuple[SourceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RaisedError:
    """One exception, frames innermost first.

    `relation` is `cause` or `context`, as Python names it, towards the error before it in
    `Failure.errors`, and empty for the first.
    """

    kind: str
    message: str
    relation: str = ""
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a view failed: the exception that came out of it, then what led to it."""

    errors: tuple[RaisedError, ...]
    traceback: str = ""


def describe_failure(exc: BaseException) -> Failure:
    """The exception with its causes, source and traceback. Never raises."""
    try:
        return Failure(tuple(_errors(exc)), cut(_traceback(exc), MAX_TRACEBACK_CHARACTERS))
    except Exception as error:  # noqa: BLE001 - a description that fails would hide the failure
        text = f"(the description of it could not be made: {type(error).__name__})"
        return Failure((RaisedError(type(exc).__name__, text),))


def _errors(exc: BaseException) -> Iterator[RaisedError]:
    relation, error, seen = "", exc, set[int]()
    while len(seen) < MAX_ERRORS and id(error) not in seen:
        seen.add(id(error))
        yield RaisedError(_kind(error), _message(error), relation, tuple(_frames(error)))
        # As tracebacks do it: a cause hides the context, and `from None` hides both.
        if error.__cause__ is not None:
            relation, error = "cause", error.__cause__
        elif error.__context__ is not None and not error.__suppress_context__:
            relation, error = "context", error.__context__


def _frames(error: BaseException) -> Iterator[Frame]:
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        # What cannot be compiled has no frame; where it stands, it says itself.
        yield _syntax_error_frame(error, error.filename)
    entries = list(_entries(error.__traceback__))
    if len(entries) > MAX_FRAMES:
        del entries[OUTER_FRAMES_KEPT : len(entries) - MAX_FRAMES + OUTER_FRAMES_KEPT]
    for entry in reversed(entries):
        yield _frame(entry)


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _frame(entry: TracebackType) -> Frame:
    import linecache

    code = entry.tb_frame.f_code
    linecache.checkcache(code.co_filename)
    # The globals lead to loaders of sources that are no files: a zip, a template.
    lines = linecache.getlines(code.co_filename, entry.tb_frame.f_globals)
    return Frame(
        code.co_filename,
        entry.tb_lineno,
        code.co_qualname,
        _is_user_file(code.co_filename),
        _excerpt(lines, entry.tb_lineno, _columns(entry)),
    )


def _syntax_error_frame(error: SyntaxError, file: str) -> Frame:
    import linecache

    line = error.lineno or 0
    start = max((error.offset or 0) - 1, 0)
    is_on_one_line = error.end_lineno in (None, line)
    end = max((error.end_offset or 0) - 1, start + 1) if is_on_one_line else start + 1
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    source = _excerpt(lines, line, None)
    source = tuple(
        SourceLine(line, each.text, True, start, end) if each.is_failing else each
        for each in source
    )
    if not source and isinstance(error.text, str):
        source = (SourceLine(line, _cut_line(error.text), True, start, end),)
    return Frame(file, line, "", _is_user_file(file), source)


def _columns(entry: TracebackType) -> tuple[int, int] | None:
    """Where in its line the failing expression stands, in bytes; None where that is unknown."""
    positions = list(entry.tb_frame.f_code.co_positions())
    # One for each code unit of two bytes; `-X no_debug_ranges` leaves the columns out.
    index = entry.tb_lasti // 2
    if not 0 <= index < len(positions):
        return None
    line, end_line, start, end = positions[index]
    if start is None or end is None or line != end_line or line != entry.tb_lineno:
        return None
    return start, end


def _excerpt(
    lines: list[str], failing: int, columns: tuple[int, int] | None
) -> tuple[SourceLine, ...]:
    if not 1 <= failing <= len(lines):
        return ()
    numbers = range(max(1, failing - LINES_AROUND), min(len(lines), failing + LINES_AROUND) + 1)
    start, end = (_characters(lines[failing - 1], each) for each in columns or (0, 0))
    return tuple(
        SourceLine(number, _cut_line(lines[number - 1]), True, start, end)
        if number == failing
        else SourceLine(number, _cut_line(lines[number - 1]))
        for number in numbers
    )


def _characters(text: str, byte_offset: int) -> int:
    return len(text.encode("utf-8", "replace")[:byte_offset].decode("utf-8", "replace"))


def _cut_line(text: str) -> str:
    return text.rstrip("\r\n\f")[:MAX_SOURCE_LINE_CHARACTERS]


def _is_user_file(file: str) -> bool:
    """Whether the file lies outside the interpreter, installed packages and wiverno."""
    if file.startswith("<"):  # `<frozen importlib._bootstrap>`, `<string>`.
        return False
    parts = file.replace("\\", "/").split("/")
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not file.startswith((_LIBRARY, _WIVERNO))


def _kind(error: BaseException) -> str:
    """The name of its class as a traceback writes it: with the module, but for built-in ones."""
    kind = type(error)
    is_plain = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if is_plain else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        notes = getattr(error, "__notes__", ())
        text = "\n".join([str(error), *map(str, notes)])
    except Exception as failure:  # noqa: BLE001 - a `__str__` of the user may raise anything
        text = f"(its text could not be made: {type(failure).__name__})"
    return cut(text, MAX_MESSAGE_CHARACTERS)


def _traceback(exc: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(exc))
