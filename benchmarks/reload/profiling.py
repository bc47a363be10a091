"""Where the time of wiverno's own restarts goes: their phases, and what the processor does.

The phases are those of the event stream. What the processor does is sampled by perf, of the whole
machine, since the process that restarts lives for a few milliseconds; only Python's processes are
counted. Without perf there are phases alone.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.conditions import commit, machine, now, processor
from benchmarks.processes import pause
from benchmarks.reload.project import Project
from tests.dev.harness import DevSession

SAMPLES_PER_S = 5000
SYMBOLS_SHOWN = 24
REST_S = 0.7
"""After each answer: by then what a restart prepares for the next one is done."""
WARM_UP = 5


def profile(environment: Path, projects: Sequence[Project], saves: int) -> str:
    """A text for people. wiverno is that of `environment`, where all libraries are."""
    lines = [f"{now()}, commit {commit()}, {processor()}, {machine()}", ""]
    python = environment / "bin" / "python"
    for project in projects:
        lines += project_lines(python, project, saves)
    return "\n".join(lines) + "\n"


def project_lines(python: Path, project: Project, saves: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="profile-") as name:
        folder = Path(name, "project")
        for path, text in {**project.other_files(), project.edited: project.text(1)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        command = (str(python), "-m", "wiverno", "run", "dev", "--port", "0")
        with DevSession(folder, command=(*command, "--reload-strategy", "fork")) as session:
            session.get(project.path)
            for version in range(2, WARM_UP + 2):
                save(session, project, version)
            samples = Path(name, "perf.data")
            recorder = start_perf(samples)
            first = WARM_UP + 2
            times = [save(session, project, first + number) for number in range(saves)]
            symbols = stop_perf(recorder, samples)
            phases = [
                event["phases_ms"] for event in session.events if event["event"] == "serving"
            ][-saves:]
    yield f"{project.name}: {project.edit}; {saves} saves, median ms"
    yield ""
    yield f"  {'save to the first fresh byte':44}{statistics.median(times):8.2f}"
    yield from phase_lines(phases)
    yield ""
    yield from symbols
    yield ""


def save(session: DevSession, project: Project, version: int) -> float:
    """Milliseconds from the end of the save to the whole answer."""
    (session.project / project.edited).write_text(project.text(version))
    begun = time.perf_counter()
    answer = session.get(project.path)
    took_ms = (time.perf_counter() - begun) * 1000
    assert answer.body.strip() == f"{version:06d}", f"stale: {answer.body} after {version}"
    pause(REST_S)
    return took_ms


def phase_lines(phases: Sequence[Mapping[str, float]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for each in phases for name in each))
    for name in names:
        values = [each[name] for each in phases if name in each]
        yield f"    {name:42}{statistics.median(values):8.2f}"


def start_perf(samples: Path) -> "subprocess.Popen[bytes] | None":
    if shutil.which("perf") is None:
        return None
    command = ["perf", "record", "-q", "-a", "-F", str(SAMPLES_PER_S), "-o", str(samples)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop_perf(recorder: "subprocess.Popen[bytes] | None", samples: Path) -> Iterator[str]:
    """Read before the folder is gone."""
    if recorder is None:
        return iter(["  perf is not installed: no samples."])
    recorder.terminate()
    recorder.wait(30)
    report = subprocess.run(
        [
            *("perf", "report", "-i", str(samples), "--stdio", "-q", "--no-children"),
            *("--comms", "python,wiverno", "--sort", "dso,symbol", "--percentage", "relative"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    rows = [line for line in report.stdout.splitlines() if "%" in line][:SYMBOLS_SHOWN]
    if not rows:
        return iter([f"  perf took no samples: {report.stderr.strip()[:200]}"])
    return iter(["  processor, of all of Python's processes (5000 samples/s):", *map(shown, rows)])


def shown(row: str) -> str:
    # Behind the symbol stand two columns that nothing was asked for.
    share, library, kind, symbol, *_ = row.split()
    return f"    {share:>7}  {Path(library).name:45} {kind} {symbol}"
