"""Start, stop and restart the server by hand: `doit start`, `doit stop`, and `doit` to restart.

What took a page of Python with a PID file and signals is one command each, whose exit code
tells doit whether the task has succeeded.

`doit auto restart`, which ran the task at every change, went with doit 0.36. Nothing has to
take its place: the session watches the files itself, and an answer is never older than the
last save. The task is for what wiverno cannot know of: a migrated database, a new token.
"""

import os
from typing import Any

DOIT_CONFIG = {"default_tasks": ["restart"], "verbosity": 2}

PID_FILE = "server.pid"
# As in `PORT=9000 doit start`; restart must be told the same.
PORT = os.environ.get("PORT", "8000")
SERVER = f"run:app --port {PORT} --pid-file {PID_FILE}"


def task_start() -> dict[str, Any]:
    """start the server; fails when it is running"""
    return {"actions": [f"wiverno start {SERVER}"]}


def task_stop() -> dict[str, Any]:
    """stop the server; fails when it is not running"""
    return {"actions": [f"wiverno stop --pid-file {PID_FILE}"]}


def task_restart() -> dict[str, Any]:
    """restart the server, or start it; fails when the new code does"""
    return {"actions": [f"wiverno restart {SERVER}"]}
