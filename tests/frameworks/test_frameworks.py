"""Applications of frameworks in development and production, as people start them."""

import sys
from pathlib import Path

import pytest

from tests.frameworks.cells import CELLS, healed, prod
from tests.frameworks.inventory import FRAMEWORKS, Framework
from tests.frameworks.table import said_by

pytestmark = pytest.mark.processes

every_framework = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda each: each.name)
of_the_sample = pytest.mark.parametrize(
    "framework", [each for each in FRAMEWORKS if each.is_sample], ids=lambda each: each.name
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project folder; what the tests write beside it is not part of it."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@of_the_sample
def test_dev_serves_every_route_and_each_save_and_heals(
    framework: Framework, project: Path
) -> None:
    healed(framework, project)


@of_the_sample
def test_prod_serves_every_route(framework: Framework, project: Path) -> None:
    prod(framework, project)


@pytest.mark.thorough
@pytest.mark.frameworks
@pytest.mark.parametrize("column", CELLS)
@every_framework
def test_cell_of_the_table(framework: Framework, column: str, project: Path) -> None:
    CELLS[column](framework, project)

    sys.stdout.write(f"{said_by(framework, column)}\n")
