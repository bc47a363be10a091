"""The tables of docs/benchmarks.md, between two markers."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.application.peers import PEERS, WIVERNO
from benchmarks.application.results import Results
from benchmarks.application.scenarios import SCENARIOS
from benchmarks.application.summary import Summary, summarize
from benchmarks.page import between_markers, table

BEGIN = "<!-- application: begin, written by `python -m benchmarks.application report` -->"
END = "<!-- application: end -->"
VERSIONS_SHOWN = (*(peer.requirement for peer in PEERS if peer.requirement), "werkzeug")

_Summaries = Mapping[tuple[str, str], Summary]


def write_report(results: Results, page: Path) -> None:
    page.write_text(between_markers(page.read_text(), markdown(results), BEGIN, END))


def markdown(results: Results) -> str:
    summaries = summarize(results.readings)
    parts = [
        conditions(results),
        "### Microseconds for a call",
        "\n".join(figures(summaries, _peers(summaries), _time)),
        "### Times as long as wiverno",
        "\n".join(
            figures(summaries, [name for name in _peers(summaries) if name != WIVERNO], _ratio)
        ),
        "### From the fastest round to the slowest, in microseconds",
        "\n".join(figures(summaries, _peers(summaries), _range)),
        *absence_section(results),
    ]
    return "\n\n".join(parts)


def conditions(results: Results) -> str:
    about = results.about
    versions = about["versions"]
    shown = [f"{name} {versions[name]}" for name in VERSIONS_SHOWN if name in versions]
    compiled = f" Compiled to machine code: {', '.join(about['compiled'])}."
    interrupted = "" if about["is complete"] else "**Interrupted.** "
    return (
        f"{interrupted}`{about['command']}`, {about['date']}, commit {about['commit']}, "
        f"{about['processor']}, {about['machine']}, "
        f"load {about['load before']} before and {about['load after']} after, "
        f"Python {versions['python']}: {', '.join(shown)}. "
        f"Medians of {about['rounds']} rounds, each of {about['turns']} turns of "
        f"{about['seconds of each turn'] * 1000:g} ms."
        f"{compiled if about['compiled'] else ''}"
    )


def figures(
    summaries: _Summaries, peers: list[str], shown: Callable[[Summary], str]
) -> Iterator[str]:
    """A row for each scenario, a column for each application."""
    measured = {scenario for scenario, _ in summaries}
    rows = (
        (
            f"{scenario.name}: {scenario.title}",
            *(_cell(summaries.get((scenario.name, peer)), shown) for peer in peers),
        )
        for scenario in SCENARIOS
        if scenario.name in measured
    )
    return table(("", *peers), rows)


def absence_section(results: Results) -> Iterator[str]:
    if results.absent:
        yield "### Not measured"
        yield "\n".join(
            f"- {absence.peer} ({absence.scenario}): {' '.join(absence.reason.split())}"
            for absence in results.absent
        )


def _peers(summaries: _Summaries) -> list[str]:
    measured = {peer for _, peer in summaries}
    return [peer.name for peer in PEERS if peer.name in measured]


def _cell(summary: Summary | None, shown: Callable[[Summary], str]) -> str:
    return "" if summary is None else shown(summary)


def _time(summary: Summary) -> str:
    return f"{summary.us:.2f}"


def _ratio(summary: Summary) -> str:
    return "" if summary.beside_wiverno is None else f"{summary.beside_wiverno:.2f}"


def _range(summary: Summary) -> str:
    return f"{summary.lowest_us:.2f} to {summary.highest_us:.2f}"
