"""Promises 1 and 2: never stale, never refused, whatever way a file is saved."""

import sys
from pathlib import Path

import pytest

from tests.dev.harness import DevSession
from tests.dev.oracle import Oracle, Verdict
from tests.dev.save_kinds import SaveKind, SaveKinds, write_project

pytestmark = pytest.mark.processes


def four(kinds: SaveKinds) -> list[SaveKind]:
    return [
        kinds.in_place,
        kinds.rename_over,
        kinds.same_second_and_size,
        kinds.delete_and_recreate,
    ]


def judge(
    project: Path, saves: int, *, all_kinds: bool, environment: dict[str, str] | None = None
) -> Verdict:
    project.rmdir()
    write_project(project)
    kinds = SaveKinds(project)
    with DevSession(project, environment=environment) as session:
        session.wait_until_serving()
        verdict = Oracle(session, kinds.all() if all_kinds else four(kinds)).run(saves)
    # Kept with the result of `make test-thorough`.
    sys.stdout.write(f"{verdict}\n")
    return verdict


def test_forty_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    verdict = judge(project, 40, all_kinds=False)

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert set(verdict.saves.values()) == {10}


def test_saves_as_editors_and_tools_make_them_are_never_stale_refused_or_reset(
    project: Path,
) -> None:
    verdict = judge(project, 36, all_kinds=True)

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert set(verdict.saves.values()) == {3}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_four_hundred_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    verdict = judge(project, 400, all_kinds=False)

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert set(verdict.saves.values()) == {100}


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_six_hundred_saves_of_all_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    verdict = judge(project, 600, all_kinds=True)

    assert not verdict.faults, (verdict.faults, verdict.details)
    assert set(verdict.saves.values()) == {50}


def test_the_same_saves_without_the_gate_are_stale(project: Path, tmp_path: Path) -> None:
    """The oracle can tell: with a gate that always says yes it reports stale answers."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "if 'WIVERNO_SESSION' in os.environ:\n"
        "    from wiverno.dev.loading.gate import Gate\n"
        "    Gate.is_fresh = lambda self: True\n"
    )

    verdict = judge(project, 8, all_kinds=False, environment={"PYTHONPATH": str(tmp_path)})

    assert verdict.faults["stale"] > 0
