"""Compares what a session serves with a cold start of the same files."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import wiverno.__main__
from tests.dev.differential.codes import behave_alike
from tests.dev.differential.installed import INSTALLED
from tests.dev.harness import DevSession, get

WITHIN_S = 30.0
"""Of one answer and of one cold start: a loaded machine is no difference."""
MOST_SHOWN = 12
TARGET = "run:app"


class Checked:
    """A dev session whose every answer can be compared with a cold start's."""

    def __init__(
        self,
        project: Path,
        *options: str,
        sitecustomize: str | None = None,
    ) -> None:
        """`project` exists and is filled. `sitecustomize` is run by all Python processes."""
        self._project = project
        installed = project.parent / "site-packages"
        installed.mkdir(exist_ok=True)
        for name in ("dump", "cold_start"):
            shutil.copy(
                Path(__file__).with_name(f"{name}.py"), installed / f"differential_{name}.py"
            )
        for name, source in INSTALLED.items():
            (installed / name).parent.mkdir(exist_ok=True)
            (installed / name).write_text(source)
        if sitecustomize is not None:
            (installed / "sitecustomize.py").write_text(sitecustomize)
        python_path = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environment = {
            "PYTHONPATH": os.pathsep.join(python_path),
            "DIFFERENTIAL_PROJECT": str(project),
        }
        options = (*options, "--wait-timeout", f"{WITHIN_S - 5:g}")
        self._words = ["run", "dev", TARGET, "--port", "0", *options]
        self.session = DevSession(project, TARGET, *options, environment=self._environment)

    def __enter__(self) -> Self:
        self.session.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.session.__exit__(kind, error, traceback)

    def compare(self) -> tuple[list[str], bool]:
        """Ask now; what differs from a cold start, and whether the project is broken."""
        cold = self._begin_cold_start(requests=1)
        warm = self._ask()
        expected = _end_cold_start(cold)
        if warm.get("calls", 1) > 1 and any(differences(expected, warm)):
            # The worker is an older one, rightly: nothing that it depends on has changed. The
            # cold start has to have answered as often.
            expected = _end_cold_start(self._begin_cold_start(warm["calls"]))
        return list(differences(expected, warm))[:MOST_SHOWN], "failed" in expected

    def give_time_to_template(self) -> None:
        """Let it import what the first build has asked for; it need not have asked for anything."""
        with contextlib.suppress(AssertionError):
            self.session.wait_until(
                lambda: any(each.get("roots") for each in tuple(self.session.events)) or None,
                "a template with modules",
                within_s=3.0,
            )

    def levels(self) -> Counter[str]:
        """What the processes that served were made of."""
        events = tuple(self.session.events)
        return Counter(each["level"] for each in events if each["event"] == "serving")

    def _ask(self) -> dict[str, Any]:
        answer = get(self.session.port, "/", {"Accept": "application/json"}, WITHIN_S)
        content: dict[str, Any] = json.loads(answer.body)
        if answer.status == 200:
            return content
        return {"failed": _as_failure(content, str(self._project))}

    def _begin_cold_start(self, requests: int) -> subprocess.Popen[str]:
        argv = [str(wiverno.__main__.__file__), *self._words]
        return subprocess.Popen(
            [sys.executable, "-B", "-m", "differential_cold_start", str(requests), *argv],
            cwd=self._project,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _end_cold_start(process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        output, errors = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
    assert process.returncode == 0, f"the cold start ended with {process.returncode}: {errors}"
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def _as_failure(page: Mapping[str, Any], root: str) -> dict[str, Any]:
    """The page in the words of `cold_start.describe`."""
    frames = [
        [frame["file"], frame["line"], frame["function"]]
        for frame in page["frames"]
        if frame["file"].startswith(root + os.sep)
    ]
    chain = page["chain"][:1]
    return {
        "kind": page["kind"],
        "message": page["message"],
        "frames": frames,
        "chain": [chain[0]["kind"], chain[0]["message"]] if chain else [],
    }


def differences(cold: Any, warm: Any, place: str = "") -> Iterator[str]:
    """Each place where the two differ, as one line; the deepest place that tells it."""
    if place == "/library":
        missing = sorted(set(cold) - set(warm))
        if missing:
            yield f"{place}: not imported {missing}"
    elif isinstance(cold, dict) and isinstance(warm, dict):
        yield from _differences_of_dicts(cold, warm, place)
    elif isinstance(cold, list) and isinstance(warm, list) and len(cold) == len(warm):
        for position, (one, other) in enumerate(zip(cold, warm, strict=True)):
            yield from differences(one, other, f"{place}/{position}")
    elif cold != warm:
        yield f"{place}: cold {_short(cold)} warm {_short(warm)}"


def _differences_of_dicts(cold: dict[str, Any], warm: dict[str, Any], place: str) -> Iterator[str]:
    codes = [one["marshalled"] for one in (cold, warm) if "marshalled" in one]
    if len(codes) == 2 and cold["code"] != warm["code"] and behave_alike(*codes):
        return
    for key in {**cold, **warm}:
        if key in {"calls", "marshalled"}:
            continue
        if key not in warm or key not in cold:
            only = "cold" if key in cold else "warm"
            value = f": {_short((cold | warm)[key])}" if key == "failed" else ""
            yield f"{place}/{key}: only {only}{value}"
        else:
            yield from differences(cold[key], warm[key], f"{place}/{key}")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:150]} ... {text[-150:]}"
