"""Fixtures of the tests that run real sessions."""

from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project folder; what the tests write beside it is not part of it."""
    project = tmp_path / "project"
    project.mkdir()
    return project
