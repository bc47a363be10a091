"""`examples/container`: a Flask application whose resources belong to a container."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.dev.harness import DevSession, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.both_strategies]

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "container"
KEEP = ("--on-error", "keep")
SYNTAX_ERROR = "\nGREETING = ("


@dataclass(frozen=True)
class Entry:
    """A line of the journal, which is the resource of the container."""

    at_s: float
    pid: int
    text: str


@pytest.fixture
def session(project: Path, request: pytest.FixtureRequest) -> Iterator[DevSession]:
    """One that has answered by the first version, with the options of the test's parameter."""
    for name in ("app.py", "services.py"):
        shutil.copy(_EXAMPLE / name, project)
    options: tuple[str, ...] = getattr(request, "param", ())
    with DevSession(project, "app:app", *options) as session:
        assert session.get().body == "Hello, Version 1!"
        yield session


def save(session: DevSession, number: int, addition: str = "") -> None:
    source = (_EXAMPLE / "services.py").read_text()
    session.save("services.py", source.replace("Version 1", f"Version {number}") + addition)


def journal(session: DevSession) -> list[Entry]:
    lines = (session.project / "journal.txt").read_text().splitlines()
    fields = (line.split(" ", 2) for line in lines)
    return [Entry(float(at_s), int(pid), text) for at_s, pid, text in fields]


def closings(session: DevSession) -> dict[int, list[float]]:
    """When each process that had opened its journal has closed it."""
    entries = journal(session)
    return {
        opened.pid: [each.at_s for each in entries if each.pid == opened.pid and is_end(each)]
        for opened in entries
        if opened.text == "opened"
    }


def is_end(entry: Entry) -> bool:
    return entry.text == "closed"


def test_old_container_when_replaced_is_closed_once_after_the_new_version_serves(
    session: DevSession,
) -> None:
    answers = []
    for number in range(2, 5):
        save(session, number)
        answers.append(session.get().body)
    session.stop()

    serving = [event for event in session.events if event["event"] == "serving"]
    closed = closings(session)
    assert answers == [f"Hello, Version {number}!" for number in range(2, 5)]
    assert [event["pid"] for event in serving] == list(closed)
    assert [len(times) for times in closed.values()] == [1] * 4
    for old, new in pairwise(serving):
        assert closed[old["pid"]][0] > new["at_s"]


def test_old_container_when_a_request_still_uses_it_is_closed_after_that(
    session: DevSession,
) -> None:
    # It writes to the journal when the next version has answered already.
    waiting = (
        (_EXAMPLE / "services.py")
        .read_text()
        .replace(
            "        self._journal.write(GREETING)\n",
            "        self._journal.write('waits')\n"
            "        while not Path('../go').exists(): threading.Event().wait(0.01)\n"
            "        self._journal.write(GREETING)\n",
        )
    )
    session.save("services.py", f"import threading\n{waiting}".replace("Version 1", "Version 2"))
    with ThreadPoolExecutor() as pool:
        in_flight = pool.submit(session.get)
        wait_until(
            lambda: any(each.text == "waits" for each in journal(session)),
            "the request did not begin",
        )
        save(session, 3)
        meanwhile = session.get().body
        (session.project.parent / "go").touch()
        finished = in_flight.result(10).body
    session.stop()

    entries = journal(session)
    old = next(each.pid for each in entries if each.text == "waits")
    assert (meanwhile, finished) == ("Hello, Version 3!", "Hello, Version 2!")
    assert [each.text for each in entries if each.pid == old] == [
        "opened",
        "waits",
        "Hello, Version 2!",
        "closed",
    ]


def test_broken_greeting_is_a_page_until_it_is_mended(session: DevSession) -> None:
    save(session, 2, SYNTAX_ERROR)
    page = session.get(headers={"Accept": "text/plain"})
    save(session, 3)
    healed = session.get().body
    session.stop()

    assert page.status == 500
    assert "SyntaxError" in page.body
    assert healed == "Hello, Version 3!"
    assert [len(times) for times in closings(session).values()] == [1, 1]


@pytest.mark.parametrize("session", [KEEP], indirect=True)
def test_broken_greeting_when_kept_leaves_the_last_good_one_and_its_container(
    session: DevSession,
) -> None:
    save(session, 2, SYNTAX_ERROR)
    kept = session.get()
    closed_meanwhile = closings(session)
    save(session, 3)
    healed = session.get()
    session.stop()

    assert (kept.status, kept.body) == (200, "Hello, Version 1!")
    assert kept.headers["X-Wiverno-Error"] == "SyntaxError"
    assert list(closed_meanwhile.values()) == [[]]
    assert (healed.body, healed.headers.get("X-Wiverno-Error")) == ("Hello, Version 3!", None)
    serving = [event for event in session.events if event["event"] == "serving"]
    first, last = closings(session).values()
    assert (len(first), len(last)) == (1, 1)
    assert first[0] > serving[-1]["at_s"]
