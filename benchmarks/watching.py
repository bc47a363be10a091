"""What watching costs in trees of 10, 1,000 and 20,000 directories.

Run it with `python -m benchmarks.watching`.

Writes every single measurement to `benchmarks/results/watching.json` and prints medians.
The first page is measured on whole sessions, the sizes interleaved with each other.
"""

import importlib.metadata
import json
import os
import platform
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.dev.harness import VERSIONED_APP, DevSession
from wiverno.dev.watching.patrol import interval_for
from wiverno.dev.watching.reporter import Reporter
from wiverno.dev.watching.roots import Roots
from wiverno.dev.watching.walk import walk_tree
from wiverno.dev.watching.watcher import Watcher

RESULTS = Path(__file__).parent / "results" / "watching.json"
SIZES = (10, 1_000, 20_000)
STARTS = 7
SAVES = 40
LOOKS = 10
FIRST_PAGES = 9
IDLE_S = 10.0
DEADLINE_S = 30.0

Raw = dict[str, list[float]]


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        projects = {size: make_project(Path(folder, str(size)), size) for size in SIZES}
        raw = {size: measure_watcher(project) for size, project in projects.items()}
        for size, values in measure_first_pages(projects).items():
            raw[size]["first_page_ms"] = values
    medians = {
        f"{size} directories": {
            name: round(statistics.median(of), 3) for name, of in values.items()
        }
        for size, values in raw.items()
    }
    pages = {size: statistics.median(values["first_page_ms"]) for size, values in raw.items()}
    ratios = {"first_page_20000_to_10": round(pages[20_000] / pages[10], 2)}
    report = {"about": about(), "medians": medians, "ratios": ratios, "raw": raw}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({name: report[name] for name in ("about", "medians", "ratios")}, indent=2))


def about() -> dict[str, str]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": "python -m benchmarks.watching",
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "watchdog": importlib.metadata.version("watchdog"),
    }


def make_project(project: Path, directories: int) -> Path:
    """So many directories with one module each, a hundred beside each other."""
    for number in range(directories):
        package = project / f"group{number // 100}" / f"package{number}"
        package.mkdir(parents=True)
        (package / "module.py").write_text("x = 1\n")
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    return project


def last_module(project: Path) -> Path:
    """The one that the walk sees last."""
    roots = Roots([str(project)], None)
    walk = walk_tree(next(iter(roots)), str(project), threading.Event())
    return Path(max(walk.signatures, key=list(walk.signatures).index))


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Gives a function that tells the milliseconds since."""
    begun = time.perf_counter()
    yield lambda: round((time.perf_counter() - begun) * 1000, 3)


def measure_watcher(project: Path) -> Raw:
    raw: Raw = {"start_call_ms": [], "start_to_ready_ms": [], "stop_ms": []}
    for _ in range(STARTS):
        watcher, _told = make_watcher(project)
        with stopwatch() as elapsed_ms:
            watcher.start()
            raw["start_call_ms"].append(elapsed_ms())
            assert watcher.ready.wait(DEADLINE_S)
            raw["start_to_ready_ms"].append(elapsed_ms())
        with stopwatch() as elapsed_ms:
            watcher.stop()
            raw["stop_ms"].append(elapsed_ms())
    return raw | measure_running(project) | measure_looks(project)


def make_watcher(project: Path) -> tuple[Watcher, "queue.SimpleQueue[str]"]:
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    return Watcher([str(project)], None, lambda kind, path: told.put(path)), told


def measure_running(project: Path) -> Raw:
    watcher, told = make_watcher(project)
    watcher.start()
    assert watcher.ready.wait(DEADLINE_S)
    module = last_module(project)
    saves = []
    for number in range(SAVES):
        drain(told)
        with stopwatch() as elapsed_ms:
            module.write_text(f"x = {number}\n")
            assert told.get(timeout=DEADLINE_S) == str(module)
            saves.append(elapsed_ms())
    idle = idle_cpu_percent()
    watches = watcher.count_watches()
    watcher.stop()
    return {"watches": [watches], "save_to_callback_ms": saves, "idle_cpu_percent": [idle]}


def drain(told: "queue.SimpleQueue[str]") -> None:
    """Take what the last save still rings, until it has been quiet for a moment."""
    try:
        while True:
            told.get(timeout=0.05)
    except queue.Empty:
        return


def idle_cpu_percent() -> float:
    begun_s, begun_cpu_s = time.monotonic(), time.process_time()
    threading.Event().wait(IDLE_S)
    share = (time.process_time() - begun_cpu_s) / (time.monotonic() - begun_s)
    return round(100 * share, 4)


def measure_looks(project: Path) -> Raw:
    """What the patrol costs where no events come: one look, its interval, its share of a core."""
    roots = Roots([str(project)], None)
    root = next(iter(roots))
    reporter = Reporter(roots, lambda kind, path: None)
    reporter.report_saved_since(walk_tree(root, root.real, threading.Event()), time.time_ns())
    raw: Raw = {"look_ms": [], "look_interval_s": [], "look_cpu_percent": []}
    for _ in range(LOOKS):
        begun_cpu_s = time.thread_time()
        with stopwatch() as elapsed_ms:
            reporter.report_differences(walk_tree(root, root.real, threading.Event()), root.real)
            wall_ms = elapsed_ms()
        cpu_s = time.thread_time() - begun_cpu_s
        interval_s = interval_for(cpu_s, wall_ms / 1000)
        raw["look_ms"].append(wall_ms)
        raw["look_interval_s"].append(round(interval_s, 2))
        raw["look_cpu_percent"].append(round(100 * cpu_s / (interval_s + wall_ms / 1000), 3))
    return raw


def measure_first_pages(projects: dict[int, Path]) -> dict[int, list[float]]:
    """From the start of the command to the last byte of the first page."""
    pages: dict[int, list[float]] = {size: [] for size in projects}
    for _ in range(FIRST_PAGES):
        for size, project in projects.items():
            with stopwatch() as elapsed_ms, DevSession(project) as session:
                session.wait_until_serving()
                assert session.get("/").status == 200
                pages[size].append(elapsed_ms())
    return pages


if __name__ == "__main__":
    main()
