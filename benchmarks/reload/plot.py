"""A plot as SVG text: for each project one panel, for each server one row with every save.

Pure. The colours follow the reader's choice of light or dark.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

COLUMNS = 2
WIDTH = 900
NAME_WIDTH = 132
VALUE_WIDTH = 58
MARGIN = 12
HEAD_HEIGHT = 30
ROW_HEIGHT = 17
AXIS_HEIGHT = 30
PANEL_WIDTH = WIDTH // COLUMNS
SCALE_WIDTH = PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH - 2 * MARGIN

FIRST_DECADE = 0
LAST_DECADE = 4
"""From 1 ms to 10 s, which is where a save counts as missed."""

STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 12px }
.faint { fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.save { fill: #8c959f; fill-opacity: .45 }
.median { fill: #57606a }
.ours .save { fill: #0969da; fill-opacity: .45 }
.ours .median { fill: #0969da }
.ours text { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .faint { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .save { fill: #7d8590 }
  .median { fill: #c9d1d9 }
  .ours .save, .ours .median { fill: #4493f8 }
}"""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    rows: Sequence[tuple[str, Sequence[float]]]
    """Server and times in milliseconds, infinite where a save was missed."""

    @property
    def height(self) -> int:
        return HEAD_HEIGHT + ROW_HEIGHT * len(self.rows) + AXIS_HEIGHT


def draw(panels: Sequence[Panel]) -> str:
    parts: list[str] = []
    top = MARGIN
    for begin in range(0, len(panels), COLUMNS):
        line = panels[begin : begin + COLUMNS]
        for column, panel in enumerate(line):
            parts += draw_panel(panel, column * PANEL_WIDTH + MARGIN, top)
        top += max(panel.height for panel in line)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">',
            "<title>Milliseconds from a save to the first fresh byte, every save a dot</title>",
            f"<style>\n{STYLE}\n</style>",
            *parts,
            "</svg>\n",
        ]
    )


def draw_panel(panel: Panel, left: int, top: int) -> Iterator[str]:
    scale_left = left + NAME_WIDTH
    bottom = top + HEAD_HEIGHT + ROW_HEIGHT * len(panel.rows)
    yield f'<text class="title" x="{left}" y="{top + 16}">{escape(panel.title)}</text>'
    for decade in range(FIRST_DECADE, LAST_DECADE + 1):
        x = scale_left + position(10**decade)
        yield f'<path class="grid" d="M{x:.1f} {top + HEAD_HEIGHT - 4}V{bottom}"/>'
        yield (
            f'<text class="faint" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">'
            f"{decade_name(decade)}</text>"
        )
    for at, (name, times_ms) in enumerate(panel.rows):
        yield from draw_row(name, times_ms, left, top + HEAD_HEIGHT + ROW_HEIGHT * at)


def draw_row(name: str, times_ms: Sequence[float], left: int, top: int) -> Iterator[str]:
    scale_left = left + NAME_WIDTH
    text_y = top + 12
    middle = top + ROW_HEIGHT / 2
    yield f'<g class="{"ours" if name.startswith("wiverno") else "peer"}">'
    yield f'<text x="{scale_left - 8}" y="{text_y}" text-anchor="end">{escape(name)}</text>'
    for time_ms in times_ms:
        x = scale_left + position(time_ms)
        yield f'<circle class="save" cx="{x:.1f}" cy="{middle}" r="2.5"/>'
    median_ms = statistics.median(times_ms)
    x = scale_left + position(median_ms)
    height = ROW_HEIGHT - 6
    yield f'<rect class="median" x="{x - 1:.1f}" y="{top + 3}" width="2" height="{height}"/>'
    yield (
        f'<text x="{scale_left + SCALE_WIDTH + VALUE_WIDTH}" y="{text_y}" text-anchor="end">'
        f"{median_name(median_ms)}</text></g>"
    )


def position(time_ms: float) -> float:
    """On a logarithmic scale, within its ends."""
    decades = math.log10(max(time_ms, 1e-9)) if math.isfinite(time_ms) else LAST_DECADE
    within = min(max(decades, FIRST_DECADE), LAST_DECADE)
    return SCALE_WIDTH * (within - FIRST_DECADE) / (LAST_DECADE - FIRST_DECADE)


def decade_name(decade: int) -> str:
    return f"{10**decade} ms" if decade < 3 else f"{10 ** (decade - 3)} s"


def median_name(median_ms: float) -> str:
    if math.isinf(median_ms):
        return "missed"
    return f"{median_ms:.0f} ms" if median_ms >= 10 else f"{median_ms:.1f} ms"
