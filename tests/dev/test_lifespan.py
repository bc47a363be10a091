"""Each worker starts its application once, before it serves, and ends it when it is replaced."""

from pathlib import Path

import pytest

from tests.dev.harness import DevSession, get

pytestmark = [pytest.mark.processes, pytest.mark.both_strategies]

APP = """
import pathlib, threading
from wiverno import Wiverno

app = Wiverno()
told = pathlib.Path("../told")
has_ended = threading.Event()

def tell(text):
    with told.open("a") as file:
        print(text, file=file)

@app.lifespan.on_startup
def start():
    tell("VERSION up")
    # Only the application can end it, and it is joined when the process leaves.
    threading.Thread(target=has_ended.wait).start()

@app.lifespan.on_shutdown
def end():
    has_ended.set()
    tell("VERSION down")

@app.get("/")
def home(request):
    return "VERSION"
"""


def test_application_when_replaced_ends_and_the_next_one_starts(
    project: Path, strategy: str | None
) -> None:
    told = project.parent / "told"
    (project / "app.py").write_text(APP.replace("VERSION", "one"))
    with DevSession(project) as session:
        assert get(session.port).body == "one"
        assert told.read_text().splitlines() == ["one up"]

        session.save("app.py", APP.replace("VERSION", "two"))

        assert get(session.port).body == "two"
        session.wait_until(
            lambda: sorted(told.read_text().splitlines()) == ["one down", "one up", "two up"],
            "the old application was not ended",
            within_s=1.5,  # The thread that it ends is not waited for.
        )
        session.stop()

    assert sorted(told.read_text().splitlines()) == ["one down", "one up", "two down", "two up"]


def test_application_when_it_cannot_start_is_a_page_that_heals(
    project: Path, strategy: str | None
) -> None:
    broken = APP.replace('    tell("VERSION up")', '    raise LookupError("no database")')
    (project / "app.py").write_text(broken)
    with DevSession(project) as session:
        answer = get(session.port)
        assert answer.status == 500
        assert "no database" in answer.body

        session.save("app.py", APP.replace("VERSION", "two"))

        assert get(session.port).body == "two"


def test_shutdown_has_the_time_that_no_request_needs(project: Path, strategy: str | None) -> None:
    told = project.parent / "told"
    slow = APP.replace("    has_ended.set()\n", "    has_ended.set()\n    has_ended_slowly()\n")
    slow += "\ndef has_ended_slowly():\n    threading.Event().wait(0.4)\n"
    (project / "app.py").write_text(slow.replace("VERSION", "one"))
    with DevSession(project) as session:
        session.get()
        session.stop()

    assert told.read_text().splitlines() == ["one up", "one down"]


HANGING = """
import atexit

@app.lifespan.on_shutdown
def hang():
    tell("VERSION hangs")
    threading.Event().wait()

atexit.register(tell, "VERSION exit")
"""


def test_shutdown_that_hangs_leaves_time_for_exit_handlers_when_the_session_ends_meanwhile(
    project: Path, strategy: str | None
) -> None:
    """A replaced worker has seconds for it, until there is a shorter deadline for all."""
    told = project.parent / "told"
    (project / "app.py").write_text((APP + HANGING).replace("VERSION", "one"))
    with DevSession(project) as session:
        session.get()
        session.save("app.py", APP.replace("VERSION", "two"))
        session.get()
        session.wait_until(lambda: "one hangs" in told.read_text(), "it does not end")
        session.stop()

    assert "one exit" in told.read_text().splitlines()
