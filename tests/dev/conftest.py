"""Fixtures of the tests that run real sessions."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


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
