"""What a session's processes have in their environment, and when that is other than before."""

from pathlib import Path

import pytest

from wiverno.dev.processes.environment import SessionEnvironment, digest_of
from wiverno.dev.processes.role import SESSION_VARIABLE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    return path


def test_environment_when_its_file_is_saved_tells_only_of_other_variables(file: Path) -> None:
    environment = SessionEnvironment([str(file)])

    assert environment.refresh() is None
    assert environment.with_mark("m")["A"] == "1"
    file.write_text("# and why\nA=1\n")
    assert environment.refresh() is None
    file.write_text("A=2\n")
    assert environment.refresh() == str(file)
    assert environment.with_mark("m")["A"] == "2"
    file.unlink()
    assert environment.refresh() == str(file)
    assert "A" not in environment.with_mark("m")


def test_environment_when_its_file_is_broken_keeps_the_variables_and_says_why(file: Path) -> None:
    environment = SessionEnvironment([str(file)])
    environment.refresh()

    file.write_text("A='open\n")

    assert environment.refresh() is None
    assert f"{file}, line 1" in environment.fault
    assert environment.with_mark("m")["A"] == "1"
    assert environment.digest == digest_of([str(file)])
    file.write_text("A=1\n")
    assert (environment.refresh(), environment.fault) == (None, "")


def test_environment_when_its_file_cannot_be_read_has_the_digest_of_that(file: Path) -> None:
    environment = SessionEnvironment([str(file)])
    environment.refresh()
    file.unlink()
    file.mkdir()

    environment.refresh()

    assert "cannot be read" in environment.fault
    assert environment.digest == digest_of([str(file)])


def test_digest_when_a_file_changes_is_another(file: Path) -> None:
    before = digest_of([str(file)])

    file.write_text("A=2\n")

    assert digest_of([str(file)]) != before


def test_environment_when_several_set_a_variable_takes_the_nearest(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C", "ours")
    file.write_text("B=file\nC=file\nWIVERNO_SESSION=x\n")
    environment = SessionEnvironment([str(file)], {"A": "default", "B": "default"})
    environment.refresh()

    found = environment.with_mark("m")

    assert (found["A"], found["B"], found["C"]) == ("default", "file", "ours")
    assert found[SESSION_VARIABLE] == "m"
