"""Promises 1 and 2: never stale, never refused, whatever way a file is saved."""

import sys
from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession
from tests.dev.oracle import Oracle, Verdict

pytestmark = pytest.mark.processes


def judge(project: Path, saves: int, environment: dict[str, str] | None = None) -> Verdict:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project, environment=environment) as session:
        session.wait_until_serving()
        return Oracle(session).run(saves)


def test_forty_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    verdict = judge(project, saves=40)

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert min(verdict.saves.values()) >= 5
    assert len(verdict.saves) == 4


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_four_hundred_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    verdict = judge(project, saves=400)
    # Kept with the result of `make test-thorough`.
    sys.stdout.write(f"{verdict}\n")

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert min(verdict.saves.values()) >= 100


def test_the_same_saves_without_the_gate_are_stale(project: Path, tmp_path: Path) -> None:
    """The oracle can tell: with a gate that always says yes it reports stale answers."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "if 'WIVERNO_SESSION' in os.environ:\n"
        "    from wiverno.dev.loading.gate import Gate\n"
        "    Gate.is_fresh = lambda self: True\n"
    )

    verdict = judge(project, saves=8, environment={"PYTHONPATH": str(tmp_path)})

    assert verdict.faults["stale"] > 0
