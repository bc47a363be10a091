"""The mark of a forked process, seen from another process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wiverno.dev.processes.role import SESSION_VARIABLE

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

# Forks, the child takes the mark, then both wait until they have been looked at.
FORKS = """
import json, os, subprocess, sys
from wiverno.dev.processes import spawn
from wiverno.dev.processes.session_mark import write_mark

{before}
pid = spawn.fork()
if pid == 0:
    verdicts = [write_mark(mark) for mark in sys.argv[1:]]
    grandchild = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ['{variable}'])"],
        capture_output=True, text=True, check=True,
    )
    print(json.dumps([os.getpid(), verdicts, grandchild.stdout.strip()]), flush=True)
    sys.stdin.read()
    os._exit(0)
os.waitpid(pid, 0)
os._exit(0)
"""


def environment(pid: int) -> dict[bytes, bytes]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(entry.split(b"=", 1) for entry in entries if entry)


def marks_after(
    *marks: str, first: str | None, before: str = ""
) -> tuple[list[bool], str, str, str]:
    """What write_mark() returned, and the marks of the child, its parent and its own child."""
    variables = {**os.environ, "ZULU": "last"}
    if first is not None:
        variables = {"ALPHA": "first", SESSION_VARIABLE: first, **variables}
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS.format(before=before, variable=SESSION_VARIABLE), *marks],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        pid, verdicts, grandchild = json.loads(process.stdout.readline())
        child, parent = environment(pid), environment(process.pid)
        process.stdin.close()
        assert process.wait(20) == 0
    name = SESSION_VARIABLE.encode()
    rest = {key: value for key, value in parent.items() if key != name}
    assert {key: value for key, value in child.items() if key != name} == rest
    return (
        verdicts,
        child.get(name, b"").decode(),
        parent.get(name, b"").decode(),
        grandchild,
    )


def test_forked_process_bears_its_own_mark_where_others_look() -> None:
    verdicts, child, parent, grandchild = marks_after("1234.000007.", first="1234.000006.")

    assert verdicts == [True]
    assert (child, parent, grandchild) == ("1234.000007.", "1234.000006.", "1234.000007.")


def test_mark_may_become_shorter_and_as_long_as_the_first_again() -> None:
    verdicts, child, _, grandchild = marks_after("1234.7.", "1234.000008.", first="1234.000006.")

    assert verdicts == [True, True]
    assert (child, grandchild) == ("1234.000008.", "1234.000008.")


@pytest.mark.parametrize("first", ["1234.6.", None])
def test_mark_without_room_stays_unseen_by_others_and_says_so(first: str | None) -> None:
    verdicts, child, _, grandchild = marks_after("1234.000007.", first=first)

    assert verdicts == [False]
    assert (child, grandchild) == (first or "", "1234.000007.")


def test_mark_in_memory_that_cannot_be_written_says_so() -> None:
    before = "from wiverno.dev.processes import session_mark; session_mark._block_address = int"

    verdicts, child, _, _ = marks_after("1234.000007.", first="1234.000006.", before=before)

    assert verdicts == [False]
    assert child == "1234.000006."
