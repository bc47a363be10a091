"""A serving process under abuse: what it says, what it costs, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType

from tests.abuse.wire import DEADLINE_S

# A start imports an application, which a loaded machine takes its time for.
_START_S = 30.0
_PROGRAM = Path(__file__).with_name("served_program.py")
_PORT = re.compile(r"^port (\d+)$|server started on http://\S+:(\d+)$", re.M)


class Program:
    """A child process. Whatever goes wrong, it is gone at the end and its output is shown."""

    def __init__(self, command: Sequence[str], folder: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl+C of the person who runs the tests is not for it.
            start_new_session=True,
        )
        self._lines: Queue[str] = Queue()
        self._seen: list[str] = []
        # Reads all the time: a full pipe would stop the program where it logs.
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @classmethod
    def serving(cls, **options: object) -> "Program":
        """`served_program.py` with settings of the server."""
        return cls([sys.executable, str(_PROGRAM), json.dumps(options)])

    @classmethod
    def run_prod(cls, folder: Path, *words: str) -> "Program":
        """`wiverno run prod` of the `run.py` in a folder."""
        return cls([sys.executable, "-m", "wiverno", "run", "prod", *words], folder)

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        if error is not None:
            error.add_note(f"output of the program:\n{self.output}")

    @property
    def output(self) -> str:
        """What it has said so far."""
        while not self._lines.empty():
            self._seen.append(self._lines.get())
        return "".join(self._seen)

    @property
    def cpu_s(self) -> float:
        """Processor time of all its threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_bytes(self) -> int:
        """Memory that it holds."""
        statm = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(statm[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208  A count.

    def address(self) -> tuple[str, int]:
        """Where it serves; waits until it does."""
        found = _PORT.search(self.wait_for("port ", "server started on", within_s=_START_S))
        assert found is not None
        return "127.0.0.1", int(found[1] or found[2])

    def wait_for(self, *texts: str, within_s: float = DEADLINE_S) -> str:
        """Wait for a line of output with one of the texts; returns all output."""
        until = time.monotonic() + within_s
        while not any(text in self.output for text in texts):
            try:
                self._seen.append(self._lines.get(timeout=max(0.0, until - time.monotonic())))
            except Empty:
                raise AssertionError(f"{texts} not within {within_s} s") from None
        return self.output

    def let_go(self) -> None:
        """Let an application that is held go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"x")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, within_s: float = DEADLINE_S) -> int:
        """Its exit code."""
        return self.process.wait(within_s)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode("utf-8", "replace"))
