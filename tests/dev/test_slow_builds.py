"""Builds that hang, and workers that die. The kinds of hang are in `test_breakage_table`."""

from pathlib import Path

import pytest

from tests.dev.breakages import HANGS, good
from tests.dev.breaking_session import BreakingSession
from tests.dev.harness import DevSession, wait_until

pytestmark = pytest.mark.processes


def test_fix_of_a_hanging_import_heals_before_anybody_is_told(tmp_path: Path) -> None:
    session = BreakingSession(tmp_path / "hang", "--debounce", "0.1")
    is_read = tmp_path / "is-read"
    session.save_app(f"open({str(is_read)!r}, 'w')\n" + HANGS["endless loop"].source)
    session.let_go()
    with session:
        wait_until(is_read.exists, "the import")
        session.save_app(good(7))

        assert session.get().body == "000007"
        assert session.count("page") == 0


def test_crash_page_names_the_request(project: Path) -> None:
    (project / "app.py").write_text(
        "import ctypes\n"
        "def app(environ, start_response):\n"
        "    if environ['PATH_INFO'] == '/die':\n"
        "        ctypes.string_at(0)\n"
        "    start_response('200 OK', [])\n"
        "    return [b'ok']\n"
    )
    with DevSession(project) as session:
        for restart in (1, 2, 3):
            session.wait_until_serving(restart)
            with pytest.raises(ConnectionError):
                session.get("/die?now")
        session.wait_for("page")
        page = session.get("/")

    assert "SIGSEGV" in page.body
    assert "GET /die?now" in page.body
