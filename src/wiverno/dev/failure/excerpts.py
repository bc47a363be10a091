"""Lines of source as a page shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiverno.dev.failure.changed_lines import ChangedLines

MAX_SOURCE_LINE_CHARACTERS = 500
LINES_AROUND = 5


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of an excerpt; `is_failing` marks the one that the frame stands at."""

    number: int
    text: str
    is_failing: bool = False
    is_changed: bool = False
    """The last good version did not have it like this."""
    removed_above: int = 0
    """So many lines that the last good version had before this one are gone."""
    removed_below: int = 0
    """The same at the end of the file."""

    @property
    def is_marked(self) -> bool:
        return bool(self.is_changed or self.removed_above or self.removed_below)


def excerpt(file: str, line: int, changed: ChangedLines) -> tuple[SourceLine, ...]:
    """The lines around `line`, as the process runs them."""
    import linecache

    lines = linecache.getlines(file)
    numbers = range(max(1, line - LINES_AROUND), min(len(lines), line + LINES_AROUND) + 1)
    return pick_lines(lines, numbers, changed, failing=line)


def pick_lines(
    lines: Sequence[str], numbers: Iterable[int], changed: ChangedLines, failing: int = 0
) -> tuple[SourceLine, ...]:
    """Those of the given numbers, which count from 1."""
    removed = changed.removed_above
    return tuple(
        SourceLine(
            number,
            cut_line(lines[number - 1]),
            is_failing=number == failing,
            is_changed=number in changed.changed,
            removed_above=removed.get(number, 0),
            removed_below=removed.get(number + 1, 0) if number == len(lines) else 0,
        )
        for number in numbers
    )


def source_line(file: str, line: int) -> str:
    import linecache

    return linecache.getline(file, line)


def forget_read_lines() -> None:
    """Have `linecache` read again what it took from the disk; its check takes time and size."""
    import linecache

    for file, entry in tuple(linecache.cache.items()):
        if len(entry) == 1 or entry[1] is not None:
            linecache.cache.pop(file, None)


def cut_line(text: str) -> str:
    return text.rstrip("\r\n\f")[:MAX_SOURCE_LINE_CHARACTERS]
