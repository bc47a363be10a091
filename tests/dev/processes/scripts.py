"""Small programs that fork, each in a process group of its own, with a deadline."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

from wiverno.dev.processes.refusal import Obstacle

DEADLINE_S = 30.0

# What the application does comes between these two.
BEFORE = """
import json, os, sys
from wiverno.dev.processes.guard import Guard

guard = Guard()

def tell():
    refusal = guard.refusal()
    print(json.dumps(None if refusal is None else [refusal.kind, refusal.sentence]), flush=True)
"""
AFTER = """
tell()
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Obstacle | None
    sentence: str


def run(script: str, *arguments: str, deadline_s: float = DEADLINE_S) -> str:
    """What it printed. Fails when it does not end well in time; nothing of it lives on."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        # Its children may hold the pipes for ever: the deadline is for them too.
        output, errors = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        raise AssertionError(f"hangs after {deadline_s} s: {output}\n{errors}") from None
    finally:
        _end_group(process.pid)
    assert process.returncode == 0, f"status {process.returncode}: {output}\n{errors}"
    return output


def run_json(script: str, *arguments: str, deadline_s: float = DEADLINE_S) -> list[Any]:
    """The lines that it printed, each of them JSON."""
    output = run(script, *arguments, deadline_s=deadline_s)
    return [json.loads(line) for line in output.splitlines()]


def verdicts(application: str) -> list[Verdict]:
    """What the guard says at each `tell()` of `application`, and once at its end.

    Children that outlive the program have to let go of its output, or be killed by it.
    """
    answers = run_json(BEFORE + textwrap.dedent(application) + AFTER)
    return [Verdict(Obstacle(a[0]), a[1]) if a else Verdict(None, "") for a in answers]


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
