"""What a restart costs, and how long help takes: `make bench`.

Writes every single measurement to `benchmarks/results/restart.json` and prints medians.
A restart is compared with `python -c "import app"` in the same run, interleaved with it:
the machine's mood then falls on both.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.dev.harness import VERSIONED_APP, DevSession

RESULTS = Path(__file__).parent / "results" / "restart.json"
ROUNDS = 25


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    raw = {
        "help_ms": repeat(ROUNDS, measure_help),
        "restart": {
            "light": measure_restarts("app", write_light),
            "httpbin": measure_restarts("httpbin.core", write_httpbin),
        },
    }
    report = {"about": about(), "medians": medians(raw), "raw": raw}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({"about": report["about"], "medians": report["medians"]}, indent=2))


def about() -> dict[str, str]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": "make bench",
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "flask": importlib.metadata.version("flask"),
        "httpbin": importlib.metadata.version("httpbin"),
        "rounds": str(ROUNDS),
    }


def medians(raw: Mapping[str, object]) -> dict[str, object]:
    """The same shape with the median of each list."""
    result: dict[str, object] = {}
    for name, value in raw.items():
        if isinstance(value, Mapping):
            result[name] = medians(value)
        elif isinstance(value, list):
            result[name] = round(statistics.median(value), 2)
    if "save_to_fresh_ms" in raw:
        fresh, cold = result["save_to_fresh_ms"], result["cold_import_ms"]
        assert isinstance(fresh, float)
        assert isinstance(cold, float)
        result["more_than_cold_import_ms"] = round(fresh - cold, 2)
    return result


def repeat(rounds: int, measure: Callable[[], float]) -> list[float]:
    return [round(measure(), 3) for _ in range(rounds)]


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Gives a function that tells the milliseconds since."""
    begun = time.perf_counter()
    yield lambda: (time.perf_counter() - begun) * 1000


def measure_help() -> float:
    with stopwatch() as elapsed_ms:
        subprocess.run(
            [Path(sys.executable).with_name("wiverno"), "--help"],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return elapsed_ms()


def write_light(project: Path, version: int) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=version))


def write_httpbin(project: Path, version: int) -> None:
    """httpbin's source, with an attribute that changes."""
    if not (project / "httpbin").exists():
        spec = importlib.util.find_spec("httpbin")
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, project / "httpbin")
    core = project / "httpbin" / "core.py"
    source = core.read_text().partition("\nVERSION =")[0]
    core.write_text(f"{source}\nVERSION = {version}\n{MARKING}")


MARKING = """
@app.after_request
def mark(response):
    response.headers["X-Version"] = str(VERSION)
    return response
"""


def measure_restarts(module: str, write: Callable[[Path, int], None]) -> dict[str, list[float]]:
    """Save to the first fresh byte, one request sent at once, and a cold import beside it."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        project.mkdir()
        write(project, 1)
        result: dict[str, list[float]] = {
            "save_to_build_start_ms": [],
            "save_to_fresh_ms": [],
            "cold_import_ms": [],
        }
        with DevSession(project, f"{module}:app") as session:
            session.wait_until_serving()
            for version in range(2, ROUNDS + 2):
                result["cold_import_ms"].append(round(measure_import(project, module), 3))
                write(project, version)
                saved_at_s = time.monotonic()
                with stopwatch() as elapsed_ms:
                    answer = session.get("/get")
                    result["save_to_fresh_ms"].append(round(elapsed_ms(), 3))
                shown = answer.headers.get("X-Version") or answer.body
                assert int(shown) == version, f"stale: {shown} after {version}"
                started_ms = (build_started_at_s(session, version) - saved_at_s) * 1000
                result["save_to_build_start_ms"].append(round(started_ms, 3))
    return result


def build_started_at_s(session: DevSession, restart: int) -> float:
    """When the process of that restart ran; the clock of the events is ours."""
    generation = session.wait_until_serving(restart)["generation"]
    started: float = session.wait_for("build_started", generation=generation)["at_s"]
    return started


def measure_import(project: Path, module: str) -> float:
    with stopwatch() as elapsed_ms:
        subprocess.run([sys.executable, "-c", f"import {module}"], cwd=project, check=True)
        return elapsed_ms()


if __name__ == "__main__":
    main()
