"""Installed modules that see each other are imported in the order of a cold start."""

from pathlib import Path

import pytest

from tests.dev.installed_packages import SiteDirectory
from tests.dev.test_template import WARM, Sessions, last_serving, ready_template

pytestmark = pytest.mark.processes

REGISTERING = "import fake_registry\nfake_registry.NAMES.append(__name__)\n"
PATCHING = "import os\nos.environ['FAKE'] = 'patched'\n"


@pytest.fixture
def sessions(project: Path, tmp_path: Path) -> Sessions:
    sessions = Sessions(project, SiteDirectory(tmp_path))
    sessions.site.write("fake_registry.py", "NAMES = []\n")
    for name in ("fake_first", "fake_second", "fake_third"):
        sessions.site.write(f"{name}.py", REGISTERING)
    return sessions


def test_new_root_before_a_preloaded_one_is_imported_before_it(sessions: Sessions) -> None:
    names = "__import__('fake_registry').NAMES"
    sessions.save("import fake_first\nimport fake_third", names)
    with sessions.start() as session:
        ready_template(session, "fake_first", "fake_third")
        session.get()

        sessions.save("import fake_first\nimport fake_second\nimport fake_third", names)

        assert session.get().body == "['fake_first', 'fake_second', 'fake_third']"
        assert session.count("began_again") == 1

        # From now on all three are imported beforehand, in this order.
        ready_template(session, "fake_first", "fake_second", "fake_third")
        sessions.save("import os, fake_first, fake_second, fake_third", names)

        assert session.get().body == "['fake_first', 'fake_second', 'fake_third']"
        assert session.count("began_again") == 1


def test_root_of_the_standard_library_before_a_preloaded_one_repeats_nothing(
    sessions: Sessions,
) -> None:
    sessions.save("import fake_first", "1")
    with sessions.start() as session:
        ready_template(session, "fake_first")
        session.get()

        sessions.save("import colorsys, fake_first", "2")

        assert session.get().body == "2"
        assert last_serving(session)["level"] in WARM
        assert session.count("began_again") == 0


def test_root_when_a_refused_one_before_it_changes_its_surroundings_sees_that(
    sessions: Sessions,
) -> None:
    # Refused: it prints.
    sessions.site.write("fake_patching.py", "print('patched')\n" + PATCHING)
    sessions.site.write("fake_library.py", "import os\nSEEN = os.environ.get('FAKE')\n")
    sessions.save("import fake_patching\nimport fake_library", "fake_library.SEEN")
    with sessions.start() as session:
        ready_template(session, "fake_library")
        assert session.get().body == "patched"

        sessions.save("import os, fake_patching\nimport fake_library", "fake_library.SEEN")

        assert session.get().body == "patched"


def test_variable_that_a_preloaded_root_sets_is_not_there_before_its_import(
    sessions: Sessions,
) -> None:
    sessions.site.write("fake_patching.py", PATCHING)
    source = "import os\nBEFORE = os.environ.get('FAKE')\nimport fake_patching"
    answers = "(BEFORE, os.environ.get('FAKE'))"
    sessions.save(source, answers)
    with sessions.start() as session:
        ready_template(session, "fake_patching")
        session.get()

        sessions.save("import io\n" + source, answers)

        assert session.get().body == "(None, 'patched')"
        assert last_serving(session)["level"] in WARM


CONFIGURING = """import logging.config
logging.config.dictConfig({"version": 1})
import fake_library
"""


def test_loggers_of_a_preloaded_root_are_made_by_its_import(sessions: Sessions) -> None:
    """Configured before, `dictConfig` does not meet them, and disables none."""
    sessions.site.install(
        "fake_library", "import logging\nLOG = logging.getLogger('library.log')\n"
    )
    sessions.save(CONFIGURING, "fake_library.LOG.disabled")
    with sessions.start() as session:
        ready_template(session, "logging.config", "fake_library")
        session.get()
        sessions.save("import os\n" + CONFIGURING, "fake_library.LOG.disabled")
        answer = session.get().body

        assert last_serving(session)["level"] in WARM
    assert answer == sessions.cold_answer() == "False"
