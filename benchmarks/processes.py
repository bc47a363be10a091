"""Processes of servers: started in a session of their own, found by a mark, none left."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

STOP_TIMEOUT_S = 5.0

MARK = "BENCHMARK_SERVER"
"""In the environment of every process of a server: how those are found that left its group."""

# Bytecode is written, as it is for everybody who did not ask otherwise.
_UNWANTED = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", MARK}


def start_marked(
    command: Sequence[str], folder: Path, log: Path, programs: Path, mark: str
) -> subprocess.Popen[bytes]:
    """Start a server in `folder`; `programs` come first in its PATH. It writes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(programs, mark),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop_marked(process: subprocess.Popen[bytes], mark: str) -> None:
    """Ask it to end, then end by force whatever is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    for pid in marked_processes(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(STOP_TIMEOUT_S)


def marked_processes(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and wanted in _environment_of(entry)
    ]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def pause(seconds: float) -> None:
    """For the quiet between measurements; nothing waits here for a fact."""
    threading.Event().wait(seconds)


def _environment(programs: Path, mark: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**environment, "PATH": path, MARK: mark}


def _environment_of(entry: Path) -> bytes:
    # Gone meanwhile, or a zombie, whose environment reads as empty.
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""
