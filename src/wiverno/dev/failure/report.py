"""Exceptions and deaths as data that crosses a process border.

Imported in every worker: what costs time to import is imported when something failed.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from wiverno.core.failure_limits import (
    MAX_ERRORS,
    MAX_FRAMES,
    MAX_MESSAGE_CHARACTERS,
    MAX_TRACEBACK_CHARACTERS,
    OUTER_FRAMES_KEPT,
    cut,
)
from wiverno.dev.failure.excerpts import (
    SourceLine,
    cut_line,
    excerpt,
    forget_read_lines,
    source_line,
)
from wiverno.dev.failure.last_good import NOTHING_KNOWN, ChangedFile, SinceLastGood

if TYPE_CHECKING:
    from traceback import FrameSummary, TracebackException

MAX_HEADLINE_CHARACTERS = 300
UNSETTLED = "FileKeepsChanging"
"""The kind of the report about builds that never verify."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the code. Columns count from 1 and are 0 where unknown; the end is exclusive."""

    file: str
    line: int
    function: str
    is_user: bool
    source: tuple[SourceLine, ...] = ()
    column: int = 0
    end_column: int = 0
    is_new: bool = False
    """The last good version had not loaded this file."""

    @property
    def shows_change(self) -> bool:
        return self.is_new or any(line.is_marked for line in self.source)


@dataclass(frozen=True, slots=True)
class ChainedError:
    """An exception that led to the reported one; `relation` is `cause` or `context`."""

    relation: str
    kind: str
    message: str
    frames: tuple[Frame, ...] = ()

    @property
    def headline(self) -> str:
        return _headline(self.kind, self.message)


@dataclass(frozen=True, slots=True)
class FailureReport:
    """Why there is no application, or no answer of it. Frames are innermost first."""

    kind: str
    message: str
    headline: str
    target: str
    traceback: str = ""
    frames: tuple[Frame, ...] = ()
    chain: tuple[ChainedError, ...] = ()
    changed_files: tuple[ChangedFile, ...] = ()
    """What is other than in the last good version, where no frame shows anything of it."""
    more_changed_files: int = 0
    request: str = ""
    """`GET /path`, where there is an application, which failed to answer this."""

    @property
    def where(self) -> str:
        """`file:line` of the innermost frame of user code, else of the innermost frame."""
        for frame in (*(frame for frame in self.frames if frame.is_user), *self.frames):
            return f"{frame.file}:{frame.line}"
        return ""

    @property
    def header_kind(self) -> str:
        """For `X-Wiverno-Error`: a class name may be any Unicode, or any text made by `type()`."""
        text = self.kind.encode("ascii", "backslashreplace").decode()
        return "".join(character for character in text if character > " ") or "?"

    def to_json(self) -> bytes:
        """The report for another process."""
        import json

        # ASCII: a lone surrogate of an undecodable file name has no UTF-8.
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> "FailureReport":
        """The report that `to_json` wrote. Raises ValueError, KeyError or TypeError on else."""
        import json

        fields = json.loads(data)
        fields["frames"] = _frames_from(fields["frames"])
        fields["chain"] = tuple(
            ChainedError(**{**error, "frames": _frames_from(error["frames"])})
            for error in fields["chain"]
        )
        fields["changed_files"] = tuple(
            ChangedFile(**{**file, "source": _lines_from(file["source"])})
            for file in fields["changed_files"]
        )
        return cls(**fields)


def report_exception(
    exc: BaseException, target: str, since: SinceLastGood = NOTHING_KNOWN
) -> FailureReport:
    """The report of an exception that came out of the import of `target`. Never raises."""
    try:
        return _report(exc, target, since)
    except Exception as failure:  # noqa: BLE001 - a report that fails would hide the failure
        kind = _kind(exc)
        message = f"(the report of this {kind} could not be made: {_kind(failure)})"
        return FailureReport(kind, message, _headline(kind, message), target)


def report_death(
    text: str,
    target: str,
    output: str = "",
    kind: str = "ProcessDied",
    since: SinceLastGood = NOTHING_KNOWN,
) -> FailureReport:
    """The report of a build whose process ended, or hangs, without one of its own.

    `text` says it in one sentence (exit code, name of the signal); `output` is what it left
    behind: the end of its output or the stack that faulthandler wrote.
    """
    message = cut(text, MAX_MESSAGE_CHARACTERS)
    return FailureReport(
        kind,
        message,
        _first_line(message),
        target,
        traceback=cut(output, MAX_TRACEBACK_CHARACTERS),
        changed_files=since.changed_files(),
        more_changed_files=since.more_changed_files(),
    )


def report_unsettled(path: str, target: str) -> FailureReport:
    """The report of builds that never verify, since `path` changes during each of them."""
    text = (
        f"{path} keeps changing while {target} is imported, so no build can be trusted. "
        "If the application writes it itself, let it write only when the content differs."
    )
    return FailureReport(UNSETTLED, text, _first_line(text), target)


def _report(exc: BaseException, target: str, since: SinceLastGood) -> FailureReport:
    import traceback

    forget_read_lines()
    captured = traceback.TracebackException.from_exception(exc, lookup_lines=False, compact=True)
    _tidy(captured, set())
    kind, message = _kind(exc), _message(exc)
    report = FailureReport(
        kind,
        message,
        _headline(kind, message),
        target,
        traceback=cut(_traceback(captured, message), MAX_TRACEBACK_CHARACTERS),
        frames=_frames(exc, captured, since),
        chain=tuple(_chain(exc, captured, since)),
    )
    chained = (frame for error in report.chain for frame in error.frames)
    if any(frame.shows_change for frame in (*report.frames, *chained)):
        return report
    return replace(
        report,
        changed_files=since.changed_files(),
        more_changed_files=since.more_changed_files(),
    )


def _tidy(captured: "TracebackException", seen: set[int]) -> None:
    """Leave out the frames of the machinery, in the exception and in all it is chained to."""
    import traceback

    pending = [captured]
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        frames = [frame for frame in one.stack if not _is_machinery(frame.filename)]
        if len(frames) > MAX_FRAMES:
            frames[OUTER_FRAMES_KEPT : len(frames) - MAX_FRAMES + OUTER_FRAMES_KEPT] = []
        one.stack = traceback.StackSummary.from_list(frames)
        pending += [other for other in (one.__cause__, one.__context__) if other is not None]
        pending += getattr(one, "exceptions", None) or []


def _traceback(captured: "TracebackException", message: str) -> str:
    """Nothing where it would be the headline a second time, as of an error that we raise."""
    text = "".join(captured.format())
    last = "".join(captured.format_exception_only())
    has_more = text.removeprefix("Traceback (most recent call last):\n") != last
    if has_more or last.count("\n") > 1 or len(message) > MAX_HEADLINE_CHARACTERS:
        return text
    return ""


def _chain(
    exc: BaseException, captured: "TracebackException", since: SinceLastGood
) -> list[ChainedError]:
    chain: list[ChainedError] = []
    error: BaseException | None = exc
    summary: TracebackException | None = captured
    while error is not None and summary is not None and len(chain) < MAX_ERRORS:
        relation = "cause"
        following, summary_of_it = error.__cause__, summary.__cause__
        if following is None:  # `captured` has no context where `from None` suppressed it.
            relation = "context"
            following, summary_of_it = error.__context__, summary.__context__
        error, summary = following, summary_of_it
        if error is not None and summary is not None:
            chain.append(
                ChainedError(
                    relation, _kind(error), _message(error), _frames(error, summary, since)
                )
            )
    return chain


def _frames(
    exc: BaseException, captured: "TracebackException", since: SinceLastGood
) -> tuple[Frame, ...]:
    frames = [_frame(summary, since) for summary in reversed(captured.stack)]
    if isinstance(exc, SyntaxError) and isinstance(exc.filename, str):
        frames.insert(0, _syntax_error_frame(exc, exc.filename, since))
    return tuple(frames)


def _frame(summary: "FrameSummary", since: SinceLastGood) -> Frame:
    line = summary.lineno or 0
    column, end_column = _columns(summary)
    return Frame(
        summary.filename,
        line,
        summary.name,
        is_user_file(summary.filename),
        excerpt(summary.filename, line, since.lines(summary.filename)),
        column,
        end_column,
        since.is_new(summary.filename),
    )


def _columns(summary: "FrameSummary") -> tuple[int, int]:
    """The failing expression's columns, if it stands on one line; CPython counts bytes from 0."""
    start, end = summary.colno, summary.end_colno
    if start is None or end is None or summary.end_lineno not in (None, summary.lineno):
        return 0, 0
    text = source_line(summary.filename, summary.lineno or 0)
    return _characters(text, start) + 1, _characters(text, end) + 1


def _characters(text: str, byte_offset: int) -> int:
    return len(text.encode("utf-8", "replace")[:byte_offset].decode("utf-8", "replace"))


def _syntax_error_frame(exc: SyntaxError, file: str, since: SinceLastGood) -> Frame:
    line = exc.lineno if isinstance(exc.lineno, int) else 0
    column = exc.offset if isinstance(exc.offset, int) and exc.offset > 0 else 0
    end_column = exc.end_offset if isinstance(exc.end_offset, int) else 0
    if end_column <= column or exc.end_lineno not in (None, line):
        end_column = column + 1 if column else 0
    source = excerpt(file, line, since.lines(file))
    if not source and isinstance(exc.text, str):
        source = (SourceLine(line, cut_line(exc.text), is_failing=True),)
    is_new = since.is_new(file)
    return Frame(file, line, "", is_user_file(file), source, column, end_column, is_new)


def is_user_file(file: str) -> bool:
    """Whether the file is the user's: outside the interpreter, site-packages and wiverno."""
    import os

    if file.startswith("<"):
        return False
    parts = file.replace("\\", "/").split("/")
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    library = os.path.dirname(os.__file__)  # noqa: PTH120 - text to text, pathlib costs 5 ms
    return not file.startswith((library + os.sep, _wiverno_folder()))


def _is_machinery(file: str) -> bool:
    """Frames between the import statement and the module: ours and importlib's."""
    if file.startswith("<frozen importlib") or file.replace("\\", "/").endswith(
        ("/importlib/__init__.py", "/wiverno/core/app_target.py")
    ):
        return True
    folder = _wiverno_folder()
    return file.startswith((f"{folder}dev/", f"{folder}frameworks/"))


def _wiverno_folder() -> str:
    return __file__.replace("\\", "/").removesuffix("dev/failure/report.py")


def _message(exc: BaseException) -> str:
    """The exception's text; what `sys.exit` and Ctrl+C mean here is said instead of it."""
    if isinstance(exc, SystemExit):
        code = "" if exc.code is None else _safe_repr(exc.code)
        return f"sys.exit({code}) was called while the application was imported"
    if isinstance(exc, KeyboardInterrupt):
        return "the import of the application was interrupted"
    try:
        text = str(exc)
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything
        text = f"(its __str__ raised {_kind(failure)})"
    return cut(text, MAX_MESSAGE_CHARACTERS)


def _safe_repr(value: object) -> str:
    try:
        return cut(repr(value), 200)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything
        return "..."


def _kind(exc: BaseException) -> str:
    return type(exc).__name__


def _headline(kind: str, message: str) -> str:
    first = _first_line(message)
    return f"{kind}: {first}" if first else kind


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) > MAX_HEADLINE_CHARACTERS:
        line = line[: MAX_HEADLINE_CHARACTERS - 1] + "…"
    return line


def _frames_from(frames: list[dict[str, Any]]) -> tuple[Frame, ...]:
    return tuple(Frame(**{**frame, "source": _lines_from(frame["source"])}) for frame in frames)


def _lines_from(lines: list[dict[str, Any]]) -> tuple[SourceLine, ...]:
    return tuple(SourceLine(**line) for line in lines)
