"""A new project, edited in development and served in production. Needs nothing but wiverno."""

import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.dev.harness import VERSIONED_APP, DevSession, get

STRICT = {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}
FORKED = {"bare template", "template", "snapshot"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        project.mkdir()
        development(project)
        production(project)
    print(f"smoke on Python {platform.python_version()}: development and production work")


def development(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    # In all of its processes: newer Pythons warn of a fork beside threads.
    with DevSession(project, environment=STRICT) as session:
        expect(session.get().body, "000001")
        session.save("app.py", "1 / 0\n")
        expect(session.get().status, 500)
        for version in range(2, 8):
            session.save("app.py", VERSIONED_APP.format(version=version))
            expect(session.get().body, f"{version:06d}")
        levels = {event["level"] for event in session.events if event["event"] == "serving"}
        expect(levels <= FORKED, True)
        expect(session.stop(), 0)
        # In development mode an interpreter also tells of what was never closed.
        expect("Warning: " in session.output, False)


def production(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "wiverno", "run", "prod", "app:app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=project, stderr=subprocess.DEVNULL)
    try:
        expect(get_when_up(port), "000007")
    finally:
        process.send_signal(signal.SIGTERM)
        expect(process.wait(10), 0)


def get_when_up(port: int) -> str:
    deadline = time.monotonic() + 10
    while True:
        try:
            return get(port).body
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.02)


def expect(actual: object, expected: object) -> None:
    if actual != expected:
        raise SystemExit(f"expected {expected!r}, got {actual!r}")


if __name__ == "__main__":
    main()
