"""State to lines: the text of everything that a dev session prints. PURE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wiverno.dev.decisions.placement import Place

PANEL_TEXT_WIDTH = 38
PANEL_TITLE = "Wiverno Development Server"

# More would push the panel off a small terminal when `git checkout` changes hundreds.
MAX_FILES_SHOWN = 3
MAX_DETAIL_LINES = 20

# Of these one may want to know without having asked: it is why the restart was fast.
_FAST_LEVELS = ("template", "snapshot")
# From here on it is the time in which nobody asked (`--debounce`): as a part of the restart
# it would make each of them look slow.
_QUIET_TIME_MS = 100.0
_LEVELS = {"interpreter": "in a new interpreter", "template": "from the template"}


class Segment(NamedTuple):
    """Text in one style; the styles are rich's words."""

    text: str
    style: str = ""


Line = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class RestartSummary:
    """What one restart did: the files that caused it, and milliseconds for each phase, in order."""

    changed: tuple[str, ...]
    phases: Mapping[str, float]
    total_ms: float
    level: str = ""
    """What the worker was made of, in the words of the events; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class Characters:
    """The characters beyond ASCII that are used, or what stands in for them."""

    top_left: str = "╭"
    top_right: str = "╮"
    bottom_left: str = "╰"
    bottom_right: str = "╯"
    horizontal: str = "─"
    vertical: str = "│"
    ellipsis: str = "…"
    dot: str = "·"

    def __str__(self) -> str:
        return (
            self.top_left
            + self.top_right
            + self.bottom_left
            + self.bottom_right
            + self.horizontal
            + self.vertical
            + self.ellipsis
            + self.dot
        )


UNICODE = Characters()
ASCII = Characters("+", "+", "+", "+", "-", "|", "...", "-")


def starting_lines(target: str, url: str) -> list[Line]:
    """What is said before the first import: where requests already wait."""
    return [_plain(f"Starting {target} on {url}")]


def restarting_lines(changed: Sequence[str], characters: Characters = UNICODE) -> list[Line]:
    """The documented lines about the change."""
    lines: list[Line] = [
        (Segment(f"WARNING: File changed: {path}", "yellow"),) for path in changed[:MAX_FILES_SHOWN]
    ]
    more = len(changed) - MAX_FILES_SHOWN
    if more > 0:
        lines.append((Segment(f"{characters.ellipsis} and {more} more", "yellow"),))
    lines.append((Segment(">> Server restarting...", "cyan"),))
    return lines


def panel_lines(
    url: str,
    debug: bool | None,
    restart: int,
    width: int | None = None,
    characters: Characters = UNICODE,
) -> list[Line]:
    """The documented panel; in a terminal too narrow for its text, the text without the box.

    `width` is the terminal's in columns, None when the output is no terminal.
    """
    rows: list[Line] = [
        (Segment(PANEL_TITLE, "bold"),),
        (),
        (Segment("Server: "), Segment(url, "cyan")),
        (Segment("Debug Mode: "), _debug_segment(debug)),
        (Segment(f"Restart: #{restart}"),),
        (Segment("Press Ctrl+C to stop", "dim"),),
    ]
    needed = max(len(plain_text(row)) for row in rows)
    inner = max(PANEL_TEXT_WIDTH, needed)
    if width is not None and inner + 4 > width:
        inner = width - 4
        if inner < needed:
            return [row for row in rows if row]
    return _boxed(rows, inner, characters)


def summary_lines(
    summary: RestartSummary,
    restart: int,
    characters: Characters = UNICODE,
    *,
    is_verbose: bool = False,
) -> list[Line]:
    """The one honest line about how long it took, and for what; verbose, with each phase."""
    verb = "started" if restart <= 1 else "restarted"
    waited_ms = summary.phases.get("waited", 0.0)
    is_apart = waited_ms >= _QUIET_TIME_MS
    text = f"{verb} in {milliseconds(summary.total_ms - (waited_ms if is_apart else 0))}"
    if summary.level in _FAST_LEVELS or (is_verbose and summary.level):
        text += f" {_LEVELS.get(summary.level, f'from a {summary.level}')}"
    if is_apart:
        text += f", {milliseconds(waited_ms)} after the save"
    if summary.changed:
        text += f" {characters.dot} {_short_names(summary.changed)}"
    lines: list[Line] = [(Segment(text, "green"),)]
    if is_verbose and summary.phases:
        phases = ", ".join(f"{name} {_number(ms)}" for name, ms in summary.phases.items())
        lines.append(_detail(f"{phases} ms"))
    return lines


def template_ready_lines(roots: Sequence[str]) -> list[Line]:
    """Which modules later restarts find imported."""
    count = "1 module" if len(roots) == 1 else f"{len(roots)} modules"
    return [_detail(f"template ready with {count}: {_listed(roots)}")]


def snapshot_taken_lines(path: str, place: Place, import_s: float) -> list[Line]:
    """Where, and how much import time a restart that resumes there saves."""
    where = place_in_import(path, place)
    return [_detail(f"snapshot {where}, saves {milliseconds(import_s * 1000)} of import")]


def began_again_lines(why: str) -> list[Line]:
    """A build that what was kept has spoiled, or may have."""
    return [_detail(f"build begun again: {why}")]


def root_refused_lines(name: str, reason: str, import_s: float) -> list[Line]:
    """A third-party module that each restart imports, why, and what that costs."""
    cost = f" ({milliseconds(import_s * 1000)})" if import_s else ""
    return [_plain(f"{name} is imported at each restart{cost}: {reason}.")]


def snapshot_refused_lines(
    reason: str, place: str, restart_ms: float, fast_ms: float
) -> list[Line]:
    """What keeps restarts from being fast, where, and what it costs."""
    usual, fast = milliseconds(restart_ms), milliseconds(max(10.0, round(fast_ms, -1)))
    return [_plain(f"{reason} {place}: restarts take {usual} instead of about {fast}.")]


def place_in_import(path: str, place: Place) -> str:
    """A point of an import."""
    match place:
        case Place.BEFORE:
            return f"before {path} is imported"
        case Place.BEHIND_IMPORTS:
            return f"after the imports of {path}"
        case Place.AT_END:
            return f"at the end of the import ({path} is read later)"


def relative_path(path: str, project: str) -> str:
    """As people name it: from the project's folder, or from that of installed packages."""
    folder = project.rstrip("/") + "/"
    installed = path.rpartition("-packages/")[2]
    return installed if installed != path else path.removeprefix(folder)


def milliseconds(ms: float) -> str:
    """In two or three digits: `4.2 ms`, `231 ms`, `1.1 s`."""
    return f"{ms / 1000:.1f} s" if ms >= 999.5 else f"{_number(ms)} ms"


def outlook(kept_restart: int | None = None, *, is_manual: bool = False) -> str:
    """What answers after a failure, and until when. `kept_restart` goes on in spite of it."""
    if kept_restart is None:
        return "Requests get a page with this error; the next good save heals it."
    until = "restart by hand" if is_manual else "good save"
    return f"Restart #{kept_restart} goes on and answers; the next {until} replaces it."


def failed_lines(
    headline: str,
    where: str,
    detail_lines: Iterable[str],
    characters: Characters = UNICODE,
    outlook: str = outlook(),
) -> list[Line]:
    """A build that failed: what, where, the end of the traceback, and what heals it."""
    lines: list[Line] = [(Segment(f"ERROR: {headline}", "bold red"),)]
    if where:
        lines.append(_plain(f"  at {where}"))
    details = [part for line in detail_lines for part in line.splitlines()]
    left_out = len(details) - MAX_DETAIL_LINES
    if left_out > 0:
        lines.append(_plain(f"  {characters.ellipsis} {left_out} lines, see the page"))
    lines += [_plain(f"  {line}") for line in details[max(0, left_out) :]]
    lines.append((Segment(outlook, "yellow"),))
    return lines


def waiting_changes_lines(changed: Sequence[str], pid: int | None) -> list[Line]:
    """What has changed with `--reload manual`, and how to bring it in."""
    count = "1 file" if len(changed) == 1 else f"{len(changed)} files"
    text = f"{count} changed since the restart: {_short_names(changed)}"
    how = "DevServer.restart() restarts."
    if pid is not None:
        how = f"kill -USR1 {pid} restarts; so does `wiverno restart` where there is a PID file."
    return [(Segment(text, "yellow"),), _plain(f"  {how}")]


def self_restarter_lines(path: str, option: str) -> list[Line]:
    """What most likely the application itself writes; without an `option` it is imported."""
    text = f"WARNING: {path} changed 5 times in 10 s and restarted the application each time."
    advice = f"  If the application writes it itself, start with {option} {path}"
    if not option:
        advice = (
            "  If the application writes it itself, let it write only when the content differs: "
            "what is imported is always followed."
        )
    return [(Segment(text, "yellow"),), _plain(advice)]


def worker_died_lines(text: str) -> list[Line]:
    """A worker that ended by itself."""
    return [(Segment(f"ERROR: {text}", "bold red"),)]


def plain_text(line: Line) -> str:
    """The line without its styles."""
    return "".join(segment.text for segment in line)


def printable(text: str) -> str:
    """The text with control characters spelled out: a file name must not steer the terminal."""
    return "".join(
        character
        if character >= " " and not "\x7f" <= character <= "\x9f"
        else character.encode("unicode_escape").decode("ascii")
        for character in text.expandtabs(4)
    )


def _plain(text: str) -> Line:
    return (Segment(text),)


def _detail(text: str) -> Line:
    return (Segment(f"  {text}", "dim"),)


def _number(ms: float) -> str:
    return f"{ms:.0f}" if ms >= 9.95 else f"{ms:.1f}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_FILES_SHOWN
    text = ", ".join(names[:MAX_FILES_SHOWN])
    return f"{text} and {more} more" if more > 0 else text


def _debug_segment(debug: bool | None) -> Segment:
    if debug is None:
        return Segment("Unknown", "dim")
    return Segment("ON", "green") if debug else Segment("OFF", "yellow")


def _boxed(rows: Sequence[Line], inner: int, characters: Characters) -> list[Line]:
    edge = characters.horizontal * (inner + 2)
    side = characters.vertical
    lines: list[Line] = [(Segment(characters.top_left + edge + characters.top_right, "blue"),)]
    for row in rows:
        padding = " " * (inner - len(plain_text(row)))
        lines.append(
            (Segment(f"{side} ", "blue"), *row, Segment(padding), Segment(f" {side}", "blue"))
        )
    lines.append((Segment(characters.bottom_left + edge + characters.bottom_right, "blue"),))
    return lines


def _short_names(paths: Sequence[str]) -> str:
    return _listed([_short_name(path) for path in paths])


def _short_name(path: str) -> str:
    """The file's name; with its folder where the name alone says nothing."""
    parts = path.rstrip("/").split("/")
    return "/".join(parts[-2:]) if parts[-1].startswith("__") else parts[-1]
