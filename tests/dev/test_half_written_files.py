"""A file that is being written is not taken for what it will be."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession
from wiverno.dev.write_probe import has_writer

OLD, NEW = VERSIONED_APP.format(version=1), VERSIONED_APP.format(version=2)


def test_file_open_for_writing_has_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    with path.open("w"):
        while_open = has_writer(str(path))

    assert while_open
    assert not has_writer(str(path))


def test_file_open_for_reading_has_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.touch()
    with path.open():
        assert not has_writer(str(path))


def test_missing_file_has_no_writer(tmp_path: Path) -> None:
    assert not has_writer(str(tmp_path / "nowhere.py"))


@pytest.mark.processes
@pytest.mark.parametrize(
    "cut", [0, NEW.index("def app"), NEW.index("return") + 6], ids=["empty", "valid", "broken"]
)
def test_request_while_a_save_rests_half_written_waits_for_the_rest(
    project: Path, cut: int
) -> None:
    (project / "app.py").write_text(OLD)
    with DevSession(project) as session, ThreadPoolExecutor() as pool:
        assert session.get().body == "000001"
        with (project / "app.py").open("w") as file:
            file.write(NEW[:cut])
            file.flush()
            meanwhile = pool.submit(session.get)
            # Longer than the build takes, shorter than anybody's patience.
            session.wait_for("built", generation=2)
            threading.Event().wait(0.1)
            file.write(NEW[cut:])
        answer = meanwhile.result(10)

    assert (answer.status, answer.body) == (200, "000002")


@pytest.mark.processes
def test_emptied_and_reopened_file_gets_a_short_grace(project: Path) -> None:
    """Truncated, closed, opened again and written: nobody has it open in between."""
    (project / "app.py").write_text(OLD)
    with DevSession(project) as session, ThreadPoolExecutor() as pool:
        assert session.get().body == "000001"
        (project / "app.py").write_text("")
        meanwhile = pool.submit(session.get)
        session.wait_for("built", generation=2)
        (project / "app.py").write_text(NEW)
        answer = meanwhile.result(10)

    assert (answer.status, answer.body) == (200, "000002")


@pytest.mark.processes
def test_writer_that_never_ends_is_not_waited_for(project: Path) -> None:
    (project / "app.py").write_text(OLD)
    with DevSession(project) as session:
        assert session.get().body == "000001"
        with (project / "app.py").open("w") as file:
            file.write(NEW)
            file.flush()
            answer = session.get()

    assert (answer.status, answer.body) == (200, "000002")
