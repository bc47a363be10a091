"""What installed packages import late is what they import, and in the template it is harmless."""

import json
import subprocess
import sys

import pytest

from wiverno.dev.processes.late_imports import LATE_IMPORTS

USE = {
    "anyio": """
import anyio
from anyio.to_thread import run_sync

def use():
    anyio.run(run_sync, int)
""",
    "fastapi": """
import fastapi

def use():
    @fastapi.FastAPI().get("/")
    def view(number: int): pass
""",
}
TELL = """
import json, sys
before = [name for name in NAMES if name in sys.modules]
use()
print(json.dumps([before, [name for name in NAMES if name in sys.modules]]))
"""


@pytest.mark.parametrize("package", LATE_IMPORTS)
def test_late_imports_are_what_using_the_package_imports_and_importing_it_does_not(
    package: str,
) -> None:
    names = LATE_IMPORTS[package]
    source = USE[package] + TELL.replace("NAMES", repr(names))

    result = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(result.stdout) == [[], list(names)]
