"""A dev session in real processes, driven by its event stream and over real connections."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

Event = dict[str, Any]
T = TypeVar("T")

strategy: str | None = None
"""What sessions get as `--reload-strategy`, set by the fixture of that name; None: nothing."""

REQUEST_TIMEOUT_S = 5.0
"""What the promises call a timeout."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str


class DevSession:
    """`wiverno run dev` on a project in a folder. A context manager that leaves nothing behind.

    When the block fails, the error carries the events, the output and the process list.
    """

    def __init__(
        self,
        project: Path,
        target: str = "app:app",
        *options: str,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self._command = command or [*wiverno_dev(target), *options]
        self._environment = {**os.environ, **(environment or {})}
        self._output_path = project.parent / f"{project.name}.output"
        self._arrived = threading.Condition()
        self.events: list[Event] = []
        self._stream_ended = False

    # The session's life.

    def __enter__(self) -> Self:
        read_end, write_end = os.pipe()
        with self._output_path.open("wb") as output:
            environment = {**self._environment, "WIVERNO_EVENTS_FD": str(write_end)}
            self.process = self._start(environment, write_end, output)
        os.close(write_end)
        self._reader = threading.Thread(target=self._read_events, args=(read_end,))
        self._reader.start()
        return self

    def _start(
        self, environment: Mapping[str, str], events_fd: int, output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            cwd=self.project,
            env=environment,
            pass_fds=(events_fd,),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(self.diagnosis())
        session_id = self.session_id
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for pid in processes_of_session(session_id):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(10)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit code; fails after 10 s."""
        self.process.send_signal(number)
        return self.process.wait(10)

    @property
    def session_id(self) -> str | None:
        return next((event["id"] for event in self.events if event["event"] == "session"), None)

    @property
    def output(self) -> str:
        return self._output_path.read_text(errors="replace")

    def diagnosis(self) -> str:
        counts = Counter((event["event"], event.get("outcome")) for event in self.events)
        events = "\n".join([str(dict(counts)), *map(json.dumps, self.events[-60:])])
        pids = processes_of_session(self.session_id)
        processes = "\n".join(f"{pid} {_command_line(pid)}" for pid in pids)
        output = self.output[-6000:]
        return f"--- events\n{events}\n--- output\n{output}\n--- processes\n{processes}"

    # Events.

    def wait_for(self, event: str, within_s: float = 15.0, **values: Any) -> Event:
        """The first event with this name and these values, seen already or yet to come."""
        return self.wait_until(
            lambda: next(
                (
                    seen
                    for seen in self.events
                    if seen["event"] == event
                    and all(seen.get(name) == value for name, value in values.items())
                ),
                None,
            ),
            f"event {event!r} with {values}",
            within_s,
        )

    def wait_until(self, find: Callable[[], T | None], what: str, within_s: float = 15.0) -> T:
        deadline = time.monotonic() + within_s
        with self._arrived:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0 or self._stream_ended:
                    raise AssertionError(f"{what}: did not come within {within_s} s")
                self._arrived.wait(left)
            return found

    def count(self, event: str, **values: Any) -> int:
        return sum(
            seen["event"] == event
            and all(seen.get(name) == value for name, value in values.items())
            for seen in self.events
        )

    def wait_until_serving(self, restart: int = 1) -> Event:
        return self.wait_for("serving", restart=restart)

    def _read_events(self, fd: int) -> None:
        with open(fd, "rb") as stream:
            for line in stream:
                with self._arrived:
                    self.events.append(json.loads(line))
                    self._arrived.notify_all()
        with self._arrived:
            self._stream_ended = True
            self._arrived.notify_all()

    # Files.

    def save(self, name: str, text: str) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    # Requests.

    @property
    def port(self) -> int:
        port: int = self.wait_for("listening")["addresses"][0][1]
        return port

    def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own, sent now."""
        return get(self.port, path, headers)


def wiverno_dev(target: str = "app:app") -> tuple[str, ...]:
    """The command of a session, with the strategy that is to be tested."""
    command = (sys.executable, "-m", "wiverno", "run", "dev", target, "--port", "0")
    return command if strategy is None else (*command, "--reload-strategy", strategy)


def get(
    port: int,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = REQUEST_TIMEOUT_S,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())


def wait_until(fact: Callable[[], object], otherwise: str, within_s: float = 5.0) -> None:
    """For facts that no event tells; fails with `otherwise`."""
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, f"{otherwise}: not within {within_s} s"
        threading.Event().wait(0.01)


def processes_of_session(session_id: str | None) -> list[int]:
    """The pids whose environment names the session, zombies left out."""
    if session_id is None:
        return []
    return processes_with(f"WIVERNO_SESSION={session_id}.")


def wait_until_all_are_known(session: DevSession) -> None:
    """Until the supervisor has one handle for each process, and none for one that has ended."""
    links = Path(f"/proc/{session.process.pid}/fd")
    wait_until(
        lambda: count_links(links, "[pidfd]") == len(processes_of_session(session.session_id)),
        "a handle for each process",
        within_s=15.0,
    )


def count_links(folder: Path, words: str) -> int:
    """How many descriptors in a folder like `/proc/PID/fd` lead to something with this name."""
    return sum(words in target for target in read_links(folder))


def read_links(folder: Path) -> Iterator[str]:
    """What the descriptors in a folder like `/proc/PID/fd` lead to; some close meanwhile."""
    for link in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(link.readlink())


def application_processes(session_id: str | None) -> list[int]:
    """Those in which the application runs, and those that it has started itself.

    Not the session's own: pages, templates and paused processes.
    """
    digits = [f"WIVERNO_SESSION={session_id}.{digit}" for digit in range(10)]
    return [pid for digit in digits for pid in processes_with(digit)]


def wait_until_calm(session: DevSession) -> None:
    """Those that retire have ended, and the one for the next build waits, where there is one."""
    is_forked = session.count("forked") > 0
    if is_forked:
        session.wait_until(lambda: is_prepared(session) or None, "a process that waits", 30.0)
    wait_until(
        lambda: len(application_processes(session.session_id)) == 1 + is_forked,
        "no other worker",
        within_s=30.0,
    )


def is_prepared(session: DevSession) -> bool:
    """Does a process that has copies of its pages wait, since the last one serves?"""
    told = [event for event in session.events if event["event"] in ("serving", "spare_ready")]
    return bool(told) and told[-1].get("knows_pages") is True


def processes_with(text: str) -> list[int]:
    """The pids whose environment holds this text, zombies left out."""
    wanted = text.encode()
    return [pid for pid in _pids() if wanted in _environment_of(pid)]


def process_status(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` behind the name: state, parent, group; empty: it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _pids() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _environment_of(pid: int) -> bytes:
    # Gone meanwhile, or a zombie, whose environment reads as empty.
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return line[-120:].decode(errors="replace")
    return "(gone)"


VERSIONED_APP = """\
VERSION = int("{version:06d}")


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%06d" % VERSION]
"""
