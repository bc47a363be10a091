"""A failure that only a fork has: a cold start would serve, and so does the session in the end."""

from pathlib import Path

import pytest

from tests.dev.harness import DevSession, Event, wait_until
from tests.dev.installed_packages import SiteDirectory
from tests.dev.test_template import SLOW, WARM, Sessions, last_serving, ready_template

pytestmark = pytest.mark.processes

LIBRARY = """\
import os
PID = os.getpid()

def use():
    if os.getpid() != PID:
        raise {error}("imported in another process")
"""


EARLY_LIBRARY = """\
import sys
frame, files = sys._getframe(), []
while frame:
    files.append(frame.f_code.co_filename)
    frame = frame.f_back

def use():
    if not any(file.endswith("app.py") for file in files):
        raise {error}("imported beforehand")
"""


@pytest.fixture
def sessions(project: Path, tmp_path: Path) -> Sessions:
    return Sessions(project, SiteDirectory(tmp_path))


def served(session: DevSession) -> Event:
    """Ask as somebody does who does not believe the page."""
    wait_until(lambda: session.get().status == 200, "an answer", 15.0)
    return last_serving(session)


def is_repeated(session: DevSession) -> bool:
    """Has a request for the page had the build repeated in a new interpreter, to the end?"""
    assert session.get().status == 500
    forked = [each for each in session.events if each["event"] == "forked"]
    new = [each["generation"] for each in forked if each["level"] == "interpreter"]
    return any(session.count("built", generation=generation) for generation in new)


@pytest.mark.parametrize("error", ["RuntimeError", "AttributeError"])
def test_failure_of_a_fork_of_the_template_when_asked_again_is_healed_by_a_new_interpreter(
    sessions: Sessions, error: str
) -> None:
    sessions.site.install("fake_library", EARLY_LIBRARY.replace("{error}", error))
    sessions.save("import fake_library\nfake_library.use()", "1")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.wait_until_serving()
        sessions.save("import os, fake_library\nfake_library.use()", "22")

        page = session.get()
        assert (page.status, error in page.body) == (500, True)
        assert served(session)["level"] == "interpreter"
        assert session.get().body == "22"
        assert session.count("fork_failed") == 1


def test_failure_of_a_fork_in_the_import_is_healed_by_a_new_interpreter(
    sessions: Sessions,
) -> None:
    sessions.site.install("fake_library", SLOW + LIBRARY.replace("{error}", "OSError"))
    sessions.save("import fake_library\nfake_library.use()", "1")
    with sessions.start() as session:
        session.wait_for("snapshot_taken")

        assert session.wait_for("page")["generation"] == 1
        assert served(session)["level"] == "interpreter"


def test_failure_that_a_cold_start_has_as_well_keeps_what_is_warm(sessions: Sessions) -> None:
    sessions.site.install("fake_library", "VALUE = 1\n")
    sessions.save("import fake_library", "fake_library.VALUE")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        session.get()
        sessions.save("import fake_library\nfake_library.absent", "1")

        wait_until(lambda: is_repeated(session), "a try in a new interpreter", 15.0)
        sessions.save("import os, fake_library", "fake_library.VALUE")

        assert session.get().body == "1"
        assert last_serving(session)["level"] in WARM
        assert session.count("template_ready", roots=["fake_library"]) == 1
        assert session.count("fork_failed") == 0
