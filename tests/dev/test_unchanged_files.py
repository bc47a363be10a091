"""Restarts without a change on disk: what makes them necessary is elsewhere, so all is imported."""

import os
import signal
from pathlib import Path

import pytest

from tests.dev.harness import DevSession, wait_until

pytestmark = pytest.mark.processes

# Nothing tells of the one file: it is outside of the project, as a database is.
APP = """\
import time
from wiverno import Wiverno

WORLD = open("../world").read()
end = time.perf_counter() + 0.05
while time.perf_counter() < end: pass
app = Wiverno()

@app.lifespan.on_startup
def start():
    if WORLD == "down":
        raise LookupError("no database")

@app.get("/")
def home(request):
    with open("page.html") as page:
        return f"{WORLD} {page.read()}"
"""


def write(project: Path, world: str, page: str) -> None:
    (project.parent / "world").write_text(world)
    (project / "page.html").write_text(page)
    (project / "app.py").write_text(APP)


def keep_the_end(session: DevSession) -> None:
    """Have a snapshot taken behind the whole import: a file is hot that only requests read."""
    session.get()
    session.save("page.html", "2")
    session.get()
    session.wait_for("snapshot_taken", place="at the end")


@pytest.mark.parametrize("reason", ["by hand", "death"])
def test_restart_with_nothing_changed_imports_the_application_again(
    project: Path, reason: str
) -> None:
    write(project, "one", "1")
    with DevSession(project, "app:app", "--reload-strategy", "fork") as session:
        keep_the_end(session)
        (project.parent / "world").write_text("two")
        if reason == "by hand":
            session.process.send_signal(signal.SIGUSR1)
        else:
            os.kill(session.wait_until_serving(2)["pid"], signal.SIGKILL)
        session.wait_until_serving(3)

        assert session.get().body == "two 2"


def test_start_that_failed_for_what_the_import_has_found_heals_when_the_world_does(
    project: Path,
) -> None:
    write(project, "up", "1")
    with DevSession(project, "app:app", "--reload-strategy", "fork") as session:
        keep_the_end(session)
        (project.parent / "world").write_text("down")
        session.save("app.py", APP + "# edited\n")
        assert session.get().status == 500
        # The first try is a new interpreter, the others are forked.
        wait_until(
            lambda: session.get().status == 500 and session.count("built") >= 6,
            "no other try",
            10.0,
        )
        (project.parent / "world").write_text("up")

        wait_until(lambda: session.get().body == "up 2", "it never healed", 10.0)
