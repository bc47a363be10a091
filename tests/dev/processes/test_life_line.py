"""The life line kills a process that does not look, when the supervisor's end closes."""

import os
import signal
import subprocess
import sys

import pytest

from wiverno.dev.processes import life_line

SPINNING = """
import os, sys
from wiverno.dev.processes import life_line
life_line.arm(int(sys.argv[1]))
os.write(1, b"armed")
while True:
    pass
"""


@pytest.mark.processes
def test_spinning_process_dies_when_the_write_end_closes() -> None:
    read_end, write_end = life_line.create()
    process = subprocess.Popen(
        [sys.executable, "-c", SPINNING, str(read_end)],
        pass_fds=(read_end,),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.read(5) == b"armed"
    os.close(read_end)
    os.close(write_end)

    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.processes
def test_process_that_arms_too_late_leaves() -> None:
    read_end, write_end = life_line.create()
    os.close(write_end)
    process = subprocess.Popen(
        [sys.executable, "-c", SPINNING, str(read_end)], pass_fds=(read_end,)
    )
    os.close(read_end)

    assert process.wait(5) == 1
