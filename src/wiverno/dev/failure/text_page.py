"""A failure report as plain text, for people with curl."""

from collections.abc import Iterable, Iterator

from wiverno.dev.failure.excerpts import SourceLine
from wiverno.dev.failure.report import FailureReport
from wiverno.dev.failure.words import (
    CHANGED,
    CHANGES,
    HEALING,
    NEW,
    count,
    more_changed_files,
    more_lines,
    subject,
)

# With curl the traceback follows: more frames would only say the same twice.
_FRAMES_IN_TEXT = 3


def render_text(report: FailureReport, generation: int) -> str:
    """The page for people with curl."""
    parts = [report.headline, ""]
    if report.where:
        parts.append(f"  at {report.where}")
    what, name = subject(report)
    parts += [f"  {what} {name}, generation {generation}", ""]
    if report.traceback:
        parts += [report.traceback.rstrip(), ""]
    elif "\n" in report.message:
        parts += [report.message.rstrip(), ""]
    parts += _excerpts_text(report)
    return "\n".join([*parts, HEALING, ""])


def _excerpts_text(report: FailureReport) -> list[str]:
    """The places that show what changed; nothing where none does."""
    user = [frame for frame in report.frames if frame.is_user]
    shown = [frame for frame in user if frame.shows_change][:_FRAMES_IN_TEXT]
    parts: list[str] = []
    for frame in shown:
        news = f" ({NEW})" if frame.is_new else ""
        parts += [f"{frame.file}:{frame.line}{news}", *_lines_text(frame.source), ""]
    if report.changed_files:
        parts += ["Changed since the last good version:", ""]
    for file in report.changed_files:
        parts += [f"{file.file} ({CHANGES[file.change]})", *_lines_text(file.source)]
        parts += [f"          {more_lines(file)}"] if file.more_lines else []
        parts.append("")
    more = more_changed_files(report)
    parts += [more, ""] if more else []
    sources = [frame.source for frame in shown] + [file.source for file in report.changed_files]
    has_signs = any(line.is_changed for source in sources for line in source)
    return [*parts, f"+ {CHANGED}", ""] if has_signs else parts


def _lines_text(source: Iterable[SourceLine]) -> Iterator[str]:
    for line in source:
        yield from _removed_text(line.removed_above)
        failing, changed = ">" if line.is_failing else " ", "+" if line.is_changed else " "
        yield f"{failing} {line.number:>5} {changed} {line.text}".rstrip()
        yield from _removed_text(line.removed_below)


def _removed_text(lines: int) -> list[str]:
    return [f"        - ({count(lines, 'line')} removed here)"] if lines else []
