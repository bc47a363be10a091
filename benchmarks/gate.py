"""What one ask of the gate costs a request: `make bench`.

Writes every single measurement to `benchmarks/results/gate.json` and prints medians and the
95th percentile. Measured inside the process around the call alone, alone in it and beside a
thread that computes without end.
"""

import json
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wiverno.dev.loading.doorbell import Doorbell
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.mounts import read_mounts
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.signatures import read_signature

RESULTS = Path(__file__).parent / "results" / "gate.json"
ASKS = 300
FILES = (50, 500, 2000)
FILES_IN_FOLDER = 40
DEADLINE_S = 10

Times = dict[str, list[float]]


def main() -> None:
    environment = about()
    raw = {str(files): measure(files) for files in FILES}
    summary = {files: {name: summarize(raw[files][name]) for name in raw[files]} for files in raw}
    report = {"about": environment, "ms": summary, "raw_ms": raw}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({"about": environment, "ms": summary}, indent=2))


def about() -> dict[str, str]:
    mount = read_mounts().mount_of(os.path.realpath(tempfile.gettempdir()))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": "make bench",
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "file system": "unknown" if mount is None else mount.type,
        "python": platform.python_version(),
        "asks": str(ASKS),
        # Above the number of cores other programs took their part of what was measured.
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def summarize(times_ms: list[float]) -> Mapping[str, float]:
    return {
        "median": round(statistics.median(times_ms), 3),
        "p95": round(statistics.quantiles(times_ms, n=20, method="inclusive")[-1], 3),
        "max": round(max(times_ms), 3),
    }


def measure(files: int) -> Times:
    times: Times = {}
    with tempfile.TemporaryDirectory() as folder:
        record = record_of(Path(folder), files)
        sweeping = Gate(record)
        bell = Doorbell(record)
        quiet = Gate(record, doorbell=lambda: bell)
        times["until_quiet"] = ask_until_quiet(quiet, bell)
        for name, gate in (("quiet", quiet), ("sweep", sweeping)):
            times[name] = [ask(gate) for _ in range(ASKS)]
            with spinning_thread() as yield_to_it:
                times[f"{name}_beside_spinning_thread"] = [
                    ask(gate, yield_to_it) for _ in range(ASKS)
                ]
        assert bell.is_quiet()
        bell.close()
    return times


def record_of(folder: Path, files: int) -> Record:
    """As an import of these modules leaves it: each file, and each search that found it."""
    record = Record()
    for number in range(files):
        path = folder / f"package_{number // FILES_IN_FOLDER}" / f"module_{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        record.add(EntryKind.FOUND_MODULE, str(path), read_signature(str(path)))
        record.add(EntryKind.MODULE, str(path), read_signature(str(path)))
    return record


def ask_until_quiet(gate: Gate, bell: Doorbell) -> list[float]:
    times = []
    while not bell.is_quiet():
        times.append(ask(gate))
    # The sweep that what was watched by then still stands.
    times.append(ask(gate))
    return times


def ask(gate: Gate, before: Callable[[], object] = lambda: None) -> float:
    before()
    begun = time.perf_counter()
    assert gate.is_fresh()
    return round((time.perf_counter() - begun) * 1000, 4)


@contextmanager
def spinning_thread() -> Iterator[Callable[[], object]]:
    """Gives a function that leaves the GIL to the thread, and returns when it came back."""
    is_over = False
    turned = threading.Event()

    def spin() -> None:
        turned.set()
        while not is_over:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    assert turned.wait(DEADLINE_S)
    try:
        # The system call that a server comes from when it asks: it waits for the GIL.
        yield lambda: os.stat("/")  # noqa: PTH116 - for its letting go of the GIL
    finally:
        is_over = True
        thread.join(DEADLINE_S)


if __name__ == "__main__":
    main()
