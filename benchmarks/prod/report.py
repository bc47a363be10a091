"""The tables of docs/benchmarks.md, between two markers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.page import between_markers, table
from benchmarks.prod.peers import PEERS
from benchmarks.prod.results import AtRest, Results
from benchmarks.prod.scenarios import SCENARIOS
from benchmarks.prod.summary import Summary, Verdict, summarize, verdicts

BEGIN = "<!-- prod: begin, written by `python -m benchmarks.prod report` -->"
END = "<!-- prod: end -->"
VERSIONS_SHOWN = ("wiverno", *(peer.requirement for peer in PEERS))


def write_report(results: Results, profile: str, page: Path) -> None:
    """`profile` is the text that the command `profile` has kept, or empty."""
    section = markdown(results, profile)
    page.write_text(between_markers(page.read_text(), section, BEGIN, END))


def markdown(results: Results, profile: str) -> str:
    promised = verdicts(results)
    parts = [
        conditions(results),
        "### What was promised",
        "\n".join(verdict_table(promised)),
        *scenario_sections(summarize(results.rounds)),
        "### Memory at rest",
        "\n".join(memory_table(results.memory)),
        *profile_section(promised, profile),
        *remark_section(results),
        *absence_section(results),
    ]
    return "\n\n".join(part for part in parts if part)


def conditions(results: Results) -> str:
    about = results.about
    versions = about["versions"]
    shown = [f"{name} {versions[name]}" for name in VERSIONS_SHOWN if name in versions]
    interrupted = "" if about["is complete"] else "**Interrupted.** "
    return (
        f"{interrupted}`{about['command']}`, {about['date']}, commit {about['commit']}, "
        f"{about['processor']}, {about['machine']}, "
        f"load {about['load before']} before and {about['load after']} after, "
        f"Python {versions['python']}: {', '.join(shown)}. "
        f"{about['connections']} connections, median of {about['rounds']} rounds of "
        f"{about['seconds of each']:g} s."
    )


def verdict_table(promised: Sequence[Verdict]) -> Iterator[str]:
    return table(
        ("promise", "measured", ""),
        (
            (each.promise, each.measured, "holds" if each.holds else "**missed**")
            for each in promised
        ),
    )


def scenario_sections(summaries: Sequence[Summary]) -> Iterator[str]:
    for scenario in SCENARIOS:
        own = [each for each in summaries if each.scenario == scenario.name]
        if own:
            yield f"### {scenario.name}: {scenario.title}"
            yield "\n".join(scenario_table(own))


def scenario_table(summaries: Sequence[Summary]) -> Iterator[str]:
    head = ("server", "per s", "lowest", "highest", "x waitress", "p50 ms", "p99 ms", "errors")
    return table(
        head,
        (
            (
                each.peer,
                f"{each.per_s:.0f}",
                f"{each.lowest_per_s:.0f}",
                f"{each.highest_per_s:.0f}",
                "" if each.beside_waitress is None else f"{each.beside_waitress:.2f}",
                f"{each.p50_ms:.2f}",
                f"{each.p99_ms:.2f}",
                f"{each.errors} of {each.requests}" if each.errors else "",
            )
            for each in summaries
        ),
    )


def memory_table(memory: Sequence[AtRest]) -> Iterator[str]:
    by_pair = {(each.peer, each.when): each for each in memory}
    names = sorted({each.peer for each in memory}, key=lambda name: by_pair[name, "start"].rss_kb)

    def row(name: str) -> Iterator[str]:
        yield name
        for when in ("start", "load"):
            each = by_pair.get((name, when))
            yield f"{each.rss_kb / 1024:.1f}" if each else ""
            yield f"{each.pss_kb / 1024:.1f}" if each else ""

    head = ("server", "RSS MB after start", "PSS MB", "RSS MB after load", "PSS MB")
    return table(head, (list(row(name)) for name in names))


def profile_section(promised: Sequence[Verdict], profile: str) -> Iterator[str]:
    """A miss is recorded with where the time goes."""
    if profile and not all(each.holds for each in promised):
        yield "### Where RunServer's time goes"
        yield f"```\n{profile.strip()}\n```"


def remark_section(results: Results) -> Iterator[str]:
    measured = {each.peer for each in results.rounds}
    remarks = [
        f"- {peer.name}: {peer.remark}." for peer in PEERS if peer.remark and peer.name in measured
    ]
    if remarks:
        yield "### To be read with care"
        yield "\n".join(remarks)


def absence_section(results: Results) -> Iterator[str]:
    if results.absent:
        yield "### Not measured"
        yield "\n".join(
            f"- {absence.peer} ({absence.scenario}): {' '.join(absence.reason.split())}"
            for absence in results.absent
        )
