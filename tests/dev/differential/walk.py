"""A walk through the edits of one project, in one session, with a comparison after each step."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from tests.dev.differential.checker import Checked
from tests.dev.differential.disk import Disk
from tests.dev.differential.edits import FIXED_BLOCKS, Step, draw_step
from tests.dev.differential.projects import Draw, Files, flip, project, render

TRIALS = 80
"""Sessions that may be started to make a failure smaller; each takes half a second."""


class DifferenceFound(BaseException):
    """Ends all walks. No Exception: Hypothesis would walk the same way again to be sure."""


@dataclass
class Verdict:
    """What the walks saw."""

    steps: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    """What the processes that served were made of."""
    fault: str | None = None
    """The first difference, with what is needed to see it again."""

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.steps.items()))
        return (
            f"{self.steps.total()} edit steps ({kinds}); {self.broken} of them left a broken "
            f"project; served from {dict(self.levels)}; "
            f"differences from a cold start: {'none' if self.fault is None else 'some'}"
        )


@dataclass(frozen=True)
class Setup:
    """How the sessions are started."""

    options: tuple[str, ...]
    """Of `run dev`."""
    sitecustomize: str | None = None
    """Run by all Python processes of a session, and by the cold starts."""
    level: str = "interpreter"
    """What a good part of the restarts shall begin with."""

    def also(self, *options: str) -> "Setup":
        return replace(self, options=(*self.options, *options))

    def start(self, project: Path) -> Checked:
        return Checked(project, *self.options, sitecustomize=self.sitecustomize)


class Folders:
    """A new project folder for each session."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._count = 0

    def make(self) -> Path:
        self._count += 1
        folder = self._parent / str(self._count) / "project"
        folder.mkdir(parents=True)
        return folder


def walk(draw: Draw, folders: Folders, count: int, verdict: Verdict, setup: Setup) -> None:
    """Draw a project and `count` steps; stops at the first difference."""
    files = project(draw)
    if flip(draw, 3):
        # Builds that nobody waits for come between.
        setup = setup.also("--debounce", "0.05")
    steps = [Step("start", files, "in place")]
    good = [files]
    folder = folders.make()
    disk = Disk(folder)
    disk.become(files, "in place")
    with setup.start(folder) as checked:
        found, is_broken = checked.compare()
        if setup.level == "template" and not is_broken:
            checked.give_time_to_template()
        while not found and len(steps) <= count:
            step = draw_step(draw, steps[-1].files, good, is_broken)
            steps.append(step)
            disk.become(step.files, step.manner, step.touched)
            verdict.steps[step.kind] += 1
            if not step.is_asked:
                is_broken = False
                continue
            found, is_broken = checked.compare()
            verdict.broken += is_broken
            if not is_broken:
                good.append(step.files)
        verdict.levels += checked.levels()
    if found:
        verdict.fault = describe(steps, found, lambda some: differ(folders, some, setup))
        raise DifferenceFound


def differ(folders: Folders, steps: list[Step], setup: Setup) -> list[str]:
    """What differs after the last of `steps` and not before, in a session of its own."""
    folder = folders.make()
    disk = Disk(folder)
    disk.become(steps[0].files, "in place")
    with setup.start(folder) as checked:
        found, _ = checked.compare()
        for step in steps[1:]:
            if found:
                return []
            disk.become(step.files, step.manner, step.touched)
            if step.is_asked:
                found, _ = checked.compare()
    return found


def describe(steps: list[Step], found: list[str], differ: Callable[[list[Step]], list[str]]) -> str:
    """The difference, by as few steps and as little source as show it."""
    history = " > ".join(f"{step.kind} ({step.manner})" for step in steps)
    small, remark = steps, "The step before is needed, too."
    last = steps[-2:]
    if differ(last):
        small = reduced(last, lambda some: bool(differ(some)))
        remark = "The last step alone shows it, in a new session:"
    elif not differ(steps):
        remark = "The same steps in a new session do not show it: it hangs on time."
    else:
        small = last
    lines = ["Not what a cold start gives:", *found, f"Steps: {history}", remark]
    return "\n".join([*lines, show(small[0].files), *changes(small)])


def reduced(steps: list[Step], still_differs: Callable[[list[Step]], bool]) -> list[Step]:
    """Without the blocks that the difference does not need: many at once first, then fewer."""
    left = TRIALS
    size = len(parts(steps))
    while (size := size // 2) and left:
        candidates = parts(steps)
        for start in range(0, len(candidates), size):
            smaller = [less(step, candidates[start : start + size]) for step in steps]
            if smaller[0].files == smaller[-1].files or not left:
                continue
            left -= 1
            if still_differs(smaller):
                steps = smaller
    return steps


def parts(steps: list[Step]) -> list[tuple[str, str]]:
    """Each block with its path; without those of the entry that answer there is nothing to ask."""
    found = {
        (path, block): None
        for step in steps
        for path in sorted(step.files)
        for block in step.files[path]
        if block not in FIXED_BLOCKS
    }
    return list(found)


def less(step: Step, left_out: list[tuple[str, str]]) -> Step:
    """`step` without these blocks, and without the files that nothing is left of."""
    files: Files = {}
    for path, blocks in step.files.items():
        kept = tuple(block for block in blocks if (path, block) not in left_out)
        if kept or not blocks:
            files[path] = kept
    touched = step.touched if step.touched in files else None
    return Step(step.kind, files, step.manner, touched)


def show(files: Files) -> str:
    return "\n".join(f"--- {path}\n{render(blocks)}" for path, blocks in files.items())


def changes(steps: list[Step]) -> Iterator[str]:
    for before, after in pairwise(steps):
        yield f"=== {after.kind}, saved {after.manner}, touched {after.touched}"
        for path in sorted({*before.files, *after.files}):
            old, new = (
                render(files[path]).splitlines() if path in files else []
                for files in (before.files, after.files)
            )
            here, there = (path if path in one.files else "(absent)" for one in (before, after))
            yield from difflib.unified_diff(old, new, here, there, lineterm="", n=1)
            if (path in before.files) != (path in after.files) and not (old or new):
                yield f"{here} > {there}, empty"
