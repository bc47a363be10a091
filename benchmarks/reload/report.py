"""The tables of docs/benchmarks.md, between two markers, and the plot beside the page."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.page import between_markers, table
from benchmarks.reload.freshness import Kind
from benchmarks.reload.peers import AUTO, PEERS
from benchmarks.reload.plot import Panel, draw
from benchmarks.reload.project import Project
from benchmarks.reload.results import BrokenSave, PolledSave, Results, SameSecond
from benchmarks.reload.suites import Suite
from benchmarks.reload.summary import Summary, best, shown_ms, shown_share, summarize

PATCHING = {peer.name for peer in PEERS if peer.patches}
VERSIONS_SHOWN = (
    *("wiverno", "uvicorn", "flask", "werkzeug", "watchdog", "django", "gunicorn", "granian"),
    *("hypercorn", "hupper", "waitress", "watchfiles", "jurigged", "uvicorn-hmr"),
    *("fastapi", "starlette", "fastapi-cli", "numpy", "pandas", "scikit-learn", "sqlalchemy"),
)


def write_report(suite: Suite, results: Results, profile: str, page: Path) -> None:
    """`profile` is the text that the command `profile` has kept, or empty."""
    text = page.read_text()
    section = markdown(suite, results, profile)
    page.write_text(between_markers(text, section, suite.begin, suite.end))
    (page.parent / suite.plot_name).write_text(draw(panels(suite, results)))


def markdown(suite: Suite, results: Results, profile: str = "") -> str:
    comparison = own_server_table if suite.has_own_servers else comparison_table
    parts = [
        conditions(results),
        f"### {suite.title}",
        f"![Every save, by project and server]({suite.plot_name})",
        "\n".join(comparison(suite, results)),
        *project_sections(suite, results),
        *scenario_sections(results),
        *absence_section(results),
        *profile_section(profile),
    ]
    return "\n\n".join(part for part in parts if part)


def scenario_sections(results: Results) -> Iterator[str]:
    """Of those that the run has tried."""
    if results.polled:
        yield "### Clients that ask all the time"
        yield "\n".join(polled_table(results.polled))
    if results.broken:
        yield "### A save that does not compile"
        yield "\n".join(broken_table(results.broken))
    if results.same_second:
        yield "### Two saves of the same size within one second"
        yield "\n".join(same_second_table(results.same_second))


def profile_section(profile: str) -> Iterator[str]:
    if profile:
        yield "### Where the time of a restart goes"
        yield f"```\n{profile.strip()}\n```"


def conditions(results: Results) -> str:
    about = results.about
    versions = about["versions"]
    shown = [f"{name} {versions[name]}" for name in VERSIONS_SHOWN if name in versions]
    interrupted = "" if about["is complete"] else "**Interrupted.** "
    return (
        f"{interrupted}`{about['command']}`, {about['date']}, "
        f"{about['processor']}, {about['machine']}, "
        f"load {about['load before']} before and {about['load after']} after, "
        f"Python {versions['python']}: {', '.join(shown)}."
    )


def comparison_table(suite: Suite, results: Results) -> Iterator[str]:
    """wiverno beside the fastest of those that restart and of those that patch in place."""
    rows = []
    for project, summaries in by_project(suite, results):
        names = {summary.peer for summary in summaries}
        ours = best(summaries, {name for name in names if name.startswith("wiverno")})
        if ours is None:
            continue
        peers = names - {name for name in names if name.startswith("wiverno")}
        restart = best(summaries, peers - PATCHING)
        patch = best(summaries, peers & PATCHING)
        rows.append(
            (title_of(project), named_ms(ours), *beside(ours, restart), *beside(ours, patch))
        )
    return table(
        ("median ms", "wiverno", "best restart", "ratio", "best patching in place", "ratio"), rows
    )


def own_server_table(suite: Suite, results: Results) -> Iterator[str]:
    """wiverno as it comes beside the framework's own server, the fastest where there are two."""
    rows = []
    for project, summaries in by_project(suite, results):
        ours = best(summaries, {AUTO})
        if ours is not None:
            own = beside(ours, best(summaries, project.own_servers), spread_ms)
            rows.append((title_of(project), project.promised, spread_ms(ours), *own))
    head = ("median ms (quartiles)", "promised", "wiverno", "the framework's own server", "ratio")
    return table(head, rows)


def named_ms(summary: Summary) -> str:
    return f"{shown_ms(summary.median_ms)} ({summary.peer})"


def spread_ms(summary: Summary) -> str:
    text = f"{shown_ms(summary.median_ms)} ({quartiles(summary)})"
    return text if summary.peer == AUTO else f"{text} {summary.peer}"


def quartiles(summary: Summary) -> str:
    return " to ".join(map(shown_ms, summary.quartiles_ms))


def beside(
    ours: Summary, other: Summary | None, shown: Callable[[Summary], str] = named_ms
) -> tuple[str, str]:
    if other is None:
        return "", ""
    ratio = other.median_ms / ours.median_ms
    return shown(other), f"{ratio:.1f}x" if math.isfinite(ratio) else ""


def by_project(suite: Suite, results: Results) -> Iterator[tuple[Project, list[Summary]]]:
    """Each project that was measured, in the order of the suite."""
    for project in suite.projects:
        summaries = summarize(save for save in results.saves if save.project == project.name)
        if summaries:
            yield project, summaries


def title_of(project: Project) -> str:
    return f"{project.name}: {project.edit}"


def project_sections(suite: Suite, results: Results) -> Iterator[str]:
    for project, summaries in by_project(suite, results):
        title = title_of(project)
        yield f"#### {title[0].upper()}{title[1:]}"
        yield "\n".join(project_table(summaries))


def project_table(summaries: Iterable[Summary]) -> Iterator[str]:
    head = (
        *("server", "median ms", "quartiles", "p95", "max", "saves", "missed"),
        *(kind.value for kind in Kind),
    )
    return table(
        head,
        (
            (
                summary.peer + (" (patches)" if summary.peer in PATCHING else ""),
                shown_ms(summary.median_ms),
                quartiles(summary),
                shown_ms(summary.p95_ms),
                shown_ms(summary.max_ms),
                str(len(summary.times_ms)),
                str(summary.missed or ""),
                *(shown_share(summary.first[kind], len(summary.times_ms)) for kind in Kind),
            )
            for summary in summaries
        ),
    )


def polled_table(polled: Sequence[PolledSave]) -> Iterator[str]:
    def row(peer: str) -> list[str]:
        own = [save for save in polled if save.peer == peer]
        counts = [sum(save.requests.get(kind, 0) for save in own) for kind in Kind]
        return [peer, str(len(own)), str(sum(counts)), *(str(count or "") for count in counts)]

    head = ("server", "saves", "requests", *(kind.value for kind in Kind))
    return table(head, (row(peer) for peer in names_of(polled)))


def broken_table(broken: Sequence[BrokenSave]) -> Iterator[str]:
    def row(peer: str) -> list[str]:
        own = [save for save in broken if save.peer == peer]
        fixed = sorted(math.inf if save.fixed_ms is None else save.fixed_ms for save in own)
        return [
            peer,
            # The longest sequence of different answers tells most.
            max((", ".join(without_repeats(save.answers)) for save in own), key=len),
            "yes" if all(save.names_error for save in own) else "",
            "yes" if any(save.has_ended for save in own) else "",
            shown_ms(fixed[len(fixed) // 2]),
        ]

    head = ("server", "requests get", "error shown", "ended", "repair to fresh, median ms")
    return table(head, (row(peer) for peer in names_of(broken)))


def without_repeats(answers: Iterable[str]) -> Iterator[str]:
    last = ""
    for answer in answers:
        if answer != last:
            yield answer
        last = answer


def same_second_table(pairs: Sequence[SameSecond]) -> Iterator[str]:
    def row(peer: str) -> list[str]:
        own = [pair for pair in pairs if pair.peer == peer and pair.is_same_second]
        served = sum(pair.first_was_served for pair in own)
        stale = sum(pair.second_ms is None for pair in own)
        return [peer, str(len(own)), str(served), str(stale or "")]

    head = ("server", "pairs", "first served before the second", "stale for good")
    return table(head, (row(peer) for peer in names_of(pairs)))


def names_of(records: Sequence[PolledSave | BrokenSave | SameSecond]) -> list[str]:
    """Each once, sorted, wiverno first."""
    names = {record.peer for record in records}
    return sorted(names, key=lambda name: (not name.startswith("wiverno"), name))


def absence_section(results: Results) -> Iterator[str]:
    if results.absent:
        yield "### Not measured"
        yield "\n".join(
            f"- {absence.peer} ({absence.project}): {' '.join(absence.reason.split())}"
            for absence in results.absent
        )


def panels(suite: Suite, results: Results) -> list[Panel]:
    return [
        Panel(title_of(project), [(summary.peer, summary.times_ms) for summary in summaries])
        for project, summaries in by_project(suite, results)
    ]
