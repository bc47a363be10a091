"""Fixtures of the tests that run real sessions."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev import harness

BOTH = ("fork", "spawn")


@pytest.fixture(autouse=True, scope="session")
def signals_as_in_a_terminal() -> Iterator[None]:
    """Sessions inherit none that is ignored, as `nohup` and jobs in the background have it.

    A handler, unlike SIG_IGN, ends with the exec: what is started has the default.
    """
    ignored = [
        number
        for number in (signal.SIGHUP, signal.SIGINT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda number, frame: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project folder; what the tests write beside it is not part of it."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture(autouse=True)
def strategy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """How the sessions of a test come to new processes; None: as they do by default."""
    chosen: str | None = getattr(request, "param", None)
    monkeypatch.setattr(harness, "strategy", chosen)
    return chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked runs under both, and so does each whole count that does not choose."""
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    if "own_strategies" in marks:
        return
    if "both_strategies" in marks or {"thorough", "processes"} <= marks:
        metafunc.parametrize("strategy", BOTH, indirect=True)
