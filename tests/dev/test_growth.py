"""Nothing grows with the number of restarts: memory, descriptors, threads, processes, files."""

import contextlib
import http.client
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.dev.harness import (
    REQUEST_TIMEOUT_S,
    VERSIONED_APP,
    DevSession,
    count_links,
    process_status,
    processes_with,
    wait_until,
    wait_until_all_are_known,
    wait_until_calm,
)
from tests.dev.process_costs import proportional_memory_kb

pytestmark = pytest.mark.processes

# Measured: 1.6 MB after 450 restarts, less with each fifty, while the number of Python's objects
# stays the same (what C allocates is not given back whole). One record a restart would be more.
GROWTH_KB = 3 * 1024
# With the supervisor and the snapshots, which come and go.
MOST_PROCESSES = 8


class Size(NamedTuple):
    """What the processes that live as long as the session have, together."""

    descriptors: int
    threads: int
    files: int
    processes: int
    zombies: int
    memory_kb: int


class Restarts:
    """Restarts a session in every way, ten in a row, with a connection that stays open."""

    def __init__(self, session: DevSession, connection: http.client.HTTPConnection) -> None:
        self._session = session
        self._connection = connection
        self._version = 1

    def run(self, count: int) -> None:
        for _ in range(count):
            self._version += 1
            match self._version % 10:
                case 3:
                    self._fail_first()
                case 6:
                    self._supersede()
                case _:
                    self._save()
            # Handed over from worker to worker, and to pages.
            assert self._ask() == (200, f"{self._version:06d}")

    def _save(self) -> None:
        self._session.save("app.py", VERSIONED_APP.format(version=self._version))

    def _fail_first(self) -> None:
        self._session.save("app.py", f"raise RuntimeError({self._version})\n")
        assert self._ask()[0] == 500
        self._save()

    def _supersede(self) -> None:
        """Saved again while the build is under way that a request has asked for."""
        builds = self._session.count("build_started")
        self._session.save("app.py", VERSIONED_APP.format(version=0))
        address = ("127.0.0.1", self._session.port)
        with socket.create_connection(address, REQUEST_TIMEOUT_S) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self._session.wait_until(
                lambda: self._session.count("build_started") > builds or None, "a build"
            )
            self._save()
            assert client.recv(12) == b"HTTP/1.1 200"

    def _ask(self) -> tuple[int, str]:
        self._connection.request("GET", "/")
        response = self._connection.getresponse()
        return response.status, response.read().decode()


@contextlib.contextmanager
def restarting(project: Path) -> Iterator[tuple[DevSession, Restarts]]:
    temporary = project.parent / "temporary"
    temporary.mkdir()
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, environment={"TMPDIR": str(temporary)}) as session:
        session.wait_until_serving()
        connection = http.client.HTTPConnection("127.0.0.1", session.port, REQUEST_TIMEOUT_S)
        with contextlib.closing(connection):
            yield session, Restarts(session, connection)


def measure(session: DevSession) -> Size:
    wait_until_calm(session)
    descriptors = Path(f"/proc/{session.process.pid}/fd")
    # Each generation that the supervisor still knows has one.
    wait_until(lambda: count_links(descriptors, "wiverno-record") == 1, "one record")
    wait_until_all_are_known(session)
    mark = f"WIVERNO_SESSION={session.session_id}."
    templates = processes_with(f"{mark}template.")
    snapshots = processes_with(f"{mark}s")
    lasting = [session.process.pid, *processes_with(f"{mark}pages."), *templates]
    assert len(lasting) + len(snapshots) + 1 <= MOST_PROCESSES
    # Of each snapshot the supervisor has a channel and its pidfd, a template its children's.
    of_others = 2 * len(snapshots) + sum(map(count_children, templates))
    return Size(
        descriptors=sum(count_entries(f"/proc/{pid}/fd") for pid in lasting) - of_others,
        threads=sum(count_entries(f"/proc/{pid}/task") for pid in lasting),
        files=count_entries(session.project.parent / "temporary")
        + sum(1 for _ in Path("/dev/shm").glob("*wiverno*")),
        processes=len(lasting),
        zombies=count_zombies(session.process.pid),
        # No file's: others that run the same Python do not count.
        memory_kb=sum(proportional_memory_kb(pid, "Pss_Anon") for pid in lasting),
    )


def count_children(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def count_zombies(supervisor: int) -> int:
    """In its whole group: who has not been reaped has no mark any more."""
    statuses = [process_status(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return sum(status[0] == "Z" for status in statuses if status[2:3] == [str(supervisor)])


def show(session: DevSession, size: Size) -> None:
    """Kept with the result of `make test-thorough`."""
    sys.stdout.write(f"after {session.count('serving')} restarts: {size}\n")


def count_entries(folder: Path | str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def check_growth(project: Path, first: int, count: int) -> None:
    with restarting(project) as (session, restarts):
        restarts.run(first)
        before = measure(session)
        show(session, before)
        restarts.run(count - first)
        # The worker answers before the supervisor hears that it need not keep the connection.
        wait_until(
            lambda: measure(session).descriptors <= before.descriptors, f"no more than {before}"
        )
        after = measure(session)
        show(session, after)

        assert session.count("serving") > count
        assert session.count("page") == count // 10
        assert after._replace(memory_kb=0, descriptors=0) == before._replace(
            memory_kb=0, descriptors=0
        )
        assert after.zombies == 0
        assert after.memory_kb <= before.memory_kb + GROWTH_KB


@pytest.mark.both_strategies
def test_thirty_restarts_leave_nothing_behind(project: Path) -> None:
    check_growth(project, first=10, count=30)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_thousand_restarts_leave_nothing_behind(project: Path) -> None:
    check_growth(project, first=50, count=1000)
