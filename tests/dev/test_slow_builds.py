"""Builds that hang, and workers that die. The kinds of hang are in `test_breakage_table`."""

from pathlib import Path

import pytest

from tests.dev.breakages import HANGS, good
from tests.dev.breaking_session import BreakingSession
from tests.dev.harness import DevSession, wait_until

pytestmark = pytest.mark.processes


def test_fix_of_a_hanging_import_heals_before_anybody_is_told(tmp_path: Path) -> None:
    session = BreakingSession(tmp_path / "hang", "--debounce", "0.1")
    session.save_noted(HANGS["endless loop"].source)
    session.let_go()
    with session:
        session.wait_until_noted()
        session.save_app(good(7))

        assert session.get().body == "000007"
        assert session.count("page") == 0


def test_fix_of_a_retry_that_hangs_heals_without_waiting_for_quiet(tmp_path: Path) -> None:
    """A database that refused at the first try and takes connections now, without an answer."""
    session = BreakingSession(tmp_path / "retry", "--debounce", "60")
    answers = tmp_path / "answers"
    session.save_app(
        "import os\n"
        f"if not os.path.exists({str(answers)!r}):\n"
        "    raise ConnectionRefusedError\n"
        f"os.rename({str(answers)!r}, {str(answers)!r} + ' no more')\n"
        + HANGS["endless wait"].source
    )
    session.let_go()
    with session:
        client = session.client()
        assert client.get().status == 500
        answers.touch()
        wait_until(lambda: client.get().status == 500 and not answers.exists(), "the retry", 10.0)
        session.save_app(good(7))

        assert client.get().body == "000007"
        assert session.count("page") == 1


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
