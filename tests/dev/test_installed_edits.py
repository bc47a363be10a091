"""Installed files that somebody edits in place, to find a bug: the next restart imports them."""

from pathlib import Path

import pytest

from tests.dev.installed_packages import SiteDirectory
from tests.dev.test_template import SLOW, WARM, Sessions, last_serving, ready_template

pytestmark = pytest.mark.processes


@pytest.fixture
def sessions(project: Path, tmp_path: Path) -> Sessions:
    sessions = Sessions(project, SiteDirectory(tmp_path))
    sessions.site.write("fake_package/__init__.py", "from fake_package.inner import VALUE\n")
    sessions.site.write("fake_package/inner.py", "VALUE = 'old'\n")
    return sessions


@pytest.mark.parametrize("manner", ["in place", "by rename"])
def test_restart_from_a_template_when_an_installed_file_was_edited_imports_the_edit(
    sessions: Sessions, manner: str
) -> None:
    sessions.save("import fake_package", "fake_package.VALUE")
    with sessions.start() as session:
        ready_template(session, "fake_package")
        session.get()
        sessions.save("import os, fake_package", "fake_package.VALUE")
        assert session.get().body == "old"
        assert last_serving(session)["level"] in WARM

        edit(sessions, manner, "VALUE = 'edited'\n")
        sessions.save("import io, fake_package", "fake_package.VALUE")

        assert session.get().body == "edited"
        changed = session.wait_for("installation_changed")
        assert changed["path"].endswith("fake_package/inner.py")


def test_restart_from_a_snapshot_when_an_installed_file_was_edited_imports_the_edit(
    sessions: Sessions,
) -> None:
    sessions.site.write("fake_package/inner.py", SLOW + "VALUE = 'old'\n")
    source = "import fake_package"
    sessions.save(source, "fake_package.VALUE")
    with sessions.start() as session:
        session.wait_for("snapshot_taken")
        sessions.save(source, "fake_package.VALUE + '!'")
        assert session.get().body == "old!"
        assert last_serving(session)["level"] == "snapshot"

        edit(sessions, "in place", "VALUE = 'edited'\n")
        sessions.save(source, "fake_package.VALUE + '?'")

        assert session.get().body == "edited?"


def test_restarts_after_an_edit_of_an_installed_file_are_fast_again(sessions: Sessions) -> None:
    sessions.save("import fake_package", "fake_package.VALUE")
    with sessions.start() as session:
        first = ready_template(session, "fake_package")
        session.get()
        edit(sessions, "in place", "VALUE = 'edited'\n")
        sessions.save("import os, fake_package", "fake_package.VALUE")
        assert session.get().body == "edited"

        session.wait_until(
            lambda: session.count("template_ready", roots=["fake_package"]) == 2 or None,
            "another template",
        )
        sessions.save("import io, fake_package", "fake_package.VALUE")

        assert session.get().body == "edited"
        assert last_serving(session)["level"] in WARM
        assert session.count("began_again") == 1
        assert first["pid"] != last_serving(session)["pid"]


def edit(sessions: Sessions, manner: str, source: str) -> None:
    """Nothing at the top of `site-packages` changes."""
    file = sessions.site.path / "fake_package" / "inner.py"
    if manner == "in place":
        file.write_text(source)
        return
    other = file.with_name("inner.py~")
    other.write_text(source)
    other.replace(file)
