"""Promises 1 and 2: never stale, never refused, whatever way a file is saved."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.dev.harness import DevSession
from tests.dev.oracle import Oracle, Verdict
from tests.dev.save_kinds import APP, ASGI_APP, Checkouts, Disk, SaveKind, SaveKinds, write_project

pytestmark = pytest.mark.processes


def four(kinds: SaveKinds) -> list[SaveKind]:
    return [
        kinds.in_place,
        kinds.rename_over,
        kinds.same_second_and_size,
        kinds.delete_and_recreate,
    ]


def judge(
    project: Path,
    saves: int,
    *,
    all_kinds: bool,
    burst: int = 1,
    environment: dict[str, str] | None = None,
    app: str = APP,
) -> Verdict:
    write_project(project, app)
    disk = Disk()
    kinds = SaveKinds(project, disk)
    chosen = kinds.all() if all_kinds else four(kinds)
    return run(project, disk, chosen, saves, burst, environment)


def run(
    project: Path,
    disk: Disk,
    kinds: Sequence[SaveKind],
    saves: int,
    burst: int = 1,
    environment: dict[str, str] | None = None,
) -> Verdict:
    with DevSession(project, environment=environment) as session:
        session.wait_until_serving()
        verdict = Oracle(session, disk, kinds).run(saves, burst)
    # Kept with the result of `make test-thorough`.
    sys.stdout.write(f"{verdict}\n")
    return verdict


def check(verdict: Verdict, each: int) -> None:
    assert not verdict.faults, (verdict.faults, verdict.details)
    assert set(verdict.saves.values()) == {each}
    # Without them nothing was tried of what is hard.
    assert all(verdict.overtaken[name] for name in ("upload", "slow reader"))


@pytest.mark.both_strategies
def test_forty_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 40, all_kinds=False), each=10)


def test_saves_as_editors_and_tools_make_them_are_never_stale_refused_or_reset(
    project: Path,
) -> None:
    verdict = judge(project, 39, all_kinds=True)

    check(verdict, each=3)
    assert verdict.pages.total() > 0


def test_bursts_of_saves_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 39, all_kinds=True, burst=3), each=3)


def test_checkouts_of_300_files_are_never_stale_refused_or_reset(project: Path) -> None:
    disk = Disk()
    checkouts = Checkouts(project, disk, versions=5)

    check(run(project, disk, [checkouts.git_checkout], 4), each=4)


@pytest.mark.both_strategies
def test_saves_of_an_asgi_application_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 12, all_kinds=False, app=ASGI_APP), each=3)


def test_saves_of_an_asgi_application_without_httptools_are_never_stale_refused_or_reset(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['httptools'] = None\n")
    environment = {"PYTHONPATH": str(tmp_path)}

    check(judge(project, 12, all_kinds=False, environment=environment, app=ASGI_APP), each=3)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_nine_hundred_saves_of_an_asgi_application_are_never_stale_refused_or_reset(
    project: Path,
) -> None:
    check(judge(project, 910, all_kinds=True, app=ASGI_APP), each=70)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_four_hundred_saves_of_four_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 400, all_kinds=False), each=100)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_nine_hundred_saves_of_all_kinds_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 910, all_kinds=True), each=70)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_nine_hundred_saves_in_bursts_are_never_stale_refused_or_reset(project: Path) -> None:
    check(judge(project, 910, all_kinds=True, burst=3), each=70)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_eighty_checkouts_of_300_files_are_never_stale_refused_or_reset(project: Path) -> None:
    disk = Disk()
    checkouts = Checkouts(project, disk, versions=81)

    check(run(project, disk, [checkouts.git_checkout], 80), each=80)


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
