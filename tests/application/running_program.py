"""A program that serves, started as people start it: asked over HTTP, ended by a signal."""

import contextlib
import http.client
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

WIVERNO = (sys.executable, "-m", "wiverno")

_DEADLINE_S = 30.0
_POLL_S = 0.02
# Below the range that the kernel gives to outgoing connections, so that none of those
# takes a port between the look and the bind; another start for each test process.
_ports = itertools.cycle(range(20_000 + os.getpid() * 50 % 12_000, 32_000))


def free_port() -> int:
    """A port that nobody holds on any address of this machine."""
    for port in itertools.islice(_ports, 12_000):
        with socket.socket(socket.AF_INET6) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("::", port))
            except OSError:
                continue  # Taken: the next one.
            return port
    raise AssertionError("no free port")


class RunningProgram:
    """One child process with its output; whatever goes wrong, the output is shown."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        # Not in `folder`: that may be watched.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program.
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Set, it would hide stale bytecode.
            env={
                **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
                **(environment or {}),
            },
        )

    def __enter__(self) -> "RunningProgram":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        # The whole session, so that a failed test leaves no worker behind; mostly it has ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_DEADLINE_S)
        if self.process.stdin:
            self.process.stdin.close()
        if error is not None:
            error.add_note(f"output of the program:\n{self.output}")
        self._output.close()

    @property
    def output(self) -> str:
        """What it has printed so far, on both streams."""
        # pread: the child shares our file offset, and a seek here would move its own.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode("utf-8", "replace")

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until `condition()` is true, and return what it gave."""
        until = time.monotonic() + _DEADLINE_S
        while not (found := condition()):
            if time.monotonic() > until:
                raise AssertionError(f"not within {_DEADLINE_S:.0f} s: {what}")
            threading.Event().wait(_POLL_S)
        return found

    def wait_for_output(self, text: str) -> None:
        """Wait until it has printed `text`."""
        self.wait_for(lambda: text in self.output, f"output {text!r}")

    def get(self, port: int, path: str = "/", host: str = "127.0.0.1") -> tuple[int, str]:
        """One request: status and body. Waits for the port, and no longer than the program."""
        answer: tuple[int, str] = self.wait_for(
            lambda: self._try_get(host, port, path), f"answer on port {port}"
        )
        return answer

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal to it, not to its group, and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def close_stdin(self) -> None:
        """End its standard input, which an example may be waiting for."""
        assert self.process.stdin
        self.process.stdin.close()

    def wait(self) -> int:
        """The exit code."""
        try:
            return self.process.wait(_DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {_DEADLINE_S:.0f} s") from None

    def _try_get(self, host: str, port: int, path: str) -> tuple[int, str] | None:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode} before it answered")
        connection = http.client.HTTPConnection(host, port, timeout=_DEADLINE_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8")
        except ConnectionRefusedError:
            return None  # Not bound yet.
        finally:
            connection.close()
