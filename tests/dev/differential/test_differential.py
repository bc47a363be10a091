"""Promise 5: whatever was edited, a worker is what a cold start would have given.

Projects and edits are drawn by Hypothesis; it does not shrink, since each step is a process or
two: the first difference is made smaller by `walk.reduced`.
"""

import contextlib
import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.dev.differential.checker import Checked
from tests.dev.differential.disk import Disk
from tests.dev.differential.edits import Step
from tests.dev.differential.projects import Files
from tests.dev.differential.sequences import DAMAGES, SEQUENCES, damaged
from tests.dev.differential.walk import DifferenceFound, Folders, Setup, Verdict, describe, walk

pytestmark = [pytest.mark.processes, pytest.mark.own_strategies]

FORK, SPAWN = ("--reload-strategy", "fork"), ("--reload-strategy", "spawn")
SNAPSHOTS_EVERYWHERE = """\
import os
if "WIVERNO_SESSION" in os.environ:
    from wiverno.dev.decisions.placement import Placement
    Placement.wants = lambda self, *place, **moment: True
"""
"""A `sitecustomize`: imports as short as these are not worth a snapshot otherwise."""

NO_SNAPSHOTS = SNAPSHOTS_EVERYWHERE.replace("True", "False")

SNAPSHOTS = Setup(FORK, SNAPSHOTS_EVERYWHERE, "snapshot")
TEMPLATE = Setup(FORK, NO_SNAPSHOTS, "template")
NEW_INTERPRETERS = Setup(SPAWN)
SETUPS = pytest.mark.parametrize(
    "setup", [SNAPSHOTS, TEMPLATE, NEW_INTERPRETERS], ids=["snapshots", "template", "spawn"]
)


def without(kinds: str) -> str:
    """A `sitecustomize` for the processes of a session: the record lacks these kinds."""
    return f"""\
import os
if "WIVERNO_SESSION" in os.environ:
    from wiverno.dev.loading.record import EntryKind, Record
    def add(self, kind, *entry, whole=Record.add):
        if kind not in {kinds}:
            whole(self, kind, *entry)
    Record.add = add
"""


SABOTAGES = {
    "missing names": without("{EntryKind.MISSING_MODULE, EntryKind.MISSING_REGULAR_MODULE}"),
    "listings": without("{EntryKind.LISTING}"),
    "absent folders": without("{EntryKind.LISTING}"),
    "data": without("{EntryKind.DATA, EntryKind.MISSING_DATA}"),
    "leading part": SNAPSHOTS_EVERYWHERE
    + """\
    from wiverno.dev.loading import execution
    from wiverno.dev.loading.segments import compile_segments
    def compile_rest(source, path, executed, end):
        done = compile_segments(executed, path)
        count = sum(segment.end <= end for segment in done)
        return compile_segments(source, path)[count:]
    execution.compile_rest = compile_rest
import sys
if "wiverno" in sys.orig_argv:
    # The supervisor looks before it resumes a snapshot.
    from wiverno.dev.processes import forked
    forked._stands = lambda executed: True
""",
}
"""By the sequence of edits that tells each."""


def judge(folders: Folders, walks: int, steps: int, setup: Setup) -> Verdict:
    verdict = Verdict()
    number = int(os.environ.get("DIFFERENTIAL_SEED", 1))

    @seed(number)
    @settings(
        max_examples=walks,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def explore(data: st.DataObject) -> None:
        walk(data.draw, folders, steps, verdict, setup)

    with contextlib.suppress(DifferenceFound):  # `verdict` tells of it.
        explore()
    # Kept with the result of `make test-thorough`.
    sys.stdout.write(f"{' '.join(setup.options)} {verdict}; seed {number}\n")
    return verdict


@pytest.mark.timeout(300)
def test_a_worker_after_a_hundred_edits_equals_a_cold_start(tmp_path: Path) -> None:
    verdict = judge(Folders(tmp_path), 8, 13, SNAPSHOTS)

    assert verdict.fault is None, verdict.fault
    assert verdict.steps.total() >= 100


@pytest.mark.thorough
@pytest.mark.timeout(7200)
@SETUPS
def test_a_worker_after_two_thousand_edits_equals_a_cold_start(
    tmp_path: Path, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other projects each time; the output names the seed, by which they come again.
    if "DIFFERENTIAL_SEED" not in os.environ:
        monkeypatch.setenv("DIFFERENTIAL_SEED", str(random.randrange(10**9)))

    verdict = judge(Folders(tmp_path), 101, 20, setup)

    assert verdict.fault is None, verdict.fault
    assert verdict.steps.total() >= 2000
    assert verdict.levels[setup.level] >= verdict.levels.total() / 10, verdict


@SETUPS
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_worker_after_edits_of_one_kind_equals_a_cold_start(
    project: Path, name: str, setup: Setup
) -> None:
    assert not follow(project, SEQUENCES[name], setup)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_worker_after_a_sabotage_differs_from_a_cold_start(project: Path, name: str) -> None:
    """The comparison can tell: what goes unnoticed is found."""
    # Nothing but the record makes a restart: the watcher waits.
    setup = Setup(FORK, SABOTAGES[name]).also("--debounce", "60")
    found = follow(project, SEQUENCES[name], setup)

    assert found[:1] == ["state 1"], found


def test_the_comparison_tells_whatever_a_worker_has_that_a_cold_start_has_not(
    project: Path,
) -> None:
    disk = Disk(project)
    disk.become(damaged("pass"), "in place")
    with Checked(project) as checked:
        assert checked.compare() == ([], False)
        for damage in DAMAGES.values():
            disk.become(damaged(damage), "in place")
            found, _ = checked.compare()

            assert found, damage


def test_a_difference_is_described_by_the_source_that_shows_it() -> None:
    before: Files = {
        "run.py": ("import a", "import b"),
        "a.py": ("A = 1", "B = 2"),
        "b.py": ("C = 1",),
    }
    after: Files = {**before, "a.py": ("A = 1", "B = 3")}
    steps = [Step("start", before, "in place"), Step("change_number", after, "anew")]

    text = describe(
        steps, ["/modules/a: other"], lambda some: ["other"] if shows(some[-1].files) else []
    )

    assert "+B = 3" in text
    assert "import a" in text
    assert "import b" not in text
    assert "b.py" not in text
    assert "A = 1" not in text


def shows(files: Files) -> bool:
    return "import a" in files.get("run.py", ()) and "B = 3" in files.get("a.py", ())


def follow(project: Path, states: list[Files], setup: Setup) -> list[str]:
    """Bring the project to each of `states`; what differs first."""
    disk = Disk(project)
    disk.become(states[0], "in place")
    with setup.start(project) as checked:
        for number, state in enumerate(states):
            disk.become(state, "in place")
            found, _ = checked.compare()
            if found:
                return [f"state {number}", *found]
    return []
