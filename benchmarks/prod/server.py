"""One server on one processor, from its start until none of its processes is left."""

import http.client
import shlex
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.processes import free_port, marked_processes, pause, start_marked, stop_marked
from benchmarks.prod.peers import Peer
from benchmarks.prod.scenarios import Scenario
from benchmarks.prod.wrk import pinned

START_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 5.0
APPLICATION = Path(__file__).with_name("served")


class DidNotStartError(Exception):
    """The server gave no answer after its start. The text says what it wrote."""


class WrongAnswerError(Exception):
    """The server answers a scenario with something else than the application gives."""


class Server:
    """A context manager: started and answering inside, gone with all its processes after."""

    def __init__(self, peer: Peer, log: Path, programs: Path, processor: int) -> None:
        self.peer = peer
        self.port = free_port()
        self._log = log
        self._programs = programs
        self._processor = processor
        self._mark = uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        places = {
            "bin": str(self._programs),
            "python": str(self._programs / "python"),
            "port": str(self.port),
        }
        command = [word.format(**places) for word in shlex.split(self.peer.command)]
        self._process = start_marked(
            [*pinned(self._processor), *command],
            APPLICATION,
            self._log,
            self._programs,
            self._mark,
        )
        try:
            self._wait_until_answering(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            stop_marked(self._process, self._mark)
            self._process = None

    @property
    def pids(self) -> list[int]:
        return marked_processes(self._mark)

    def check(self, scenario: Scenario) -> None:
        """wrk counts statuses, but reads no body. Raises WrongAnswerError."""
        try:
            status, body = self._ask(scenario)
        except (OSError, http.client.HTTPException) as error:
            raise WrongAnswerError(f"{scenario.name}: {error!r}") from error
        if (status, body) != (200, scenario.answer):
            raise WrongAnswerError(f"{scenario.name}: {status} {body[:80]!r}")

    def _ask(self, scenario: Scenario) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        try:
            body = b"x" * scenario.body_bytes or None
            method = "GET" if body is None else "POST"
            connection.request(method, scenario.path, body, dict(scenario.headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _wait_until_answering(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_answering():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStartError(self.tail() or "It ended without a word.")
            pause(0.05)

    def _is_answering(self) -> bool:
        try:
            status, _ = self._ask(Scenario("start", "", b""))
        except (OSError, http.client.HTTPException):
            return False
        return status == 200

    def tail(self) -> str:
        """The end of what the server wrote."""
        return self._log.read_text(errors="replace")[-1500:].strip()
