"""The strategy `fork`: candidates are forked from what earlier imports left behind.

From the deepest snapshot whose whole record still equals the disk; else from the template with
the third-party modules; else from a template with none.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from wiverno.dev.decisions.placement import one_too_many
from wiverno.dev.fork_news import ForkNews
from wiverno.dev.loading.held_files import HeldFiles
from wiverno.dev.loading.installation import Installation
from wiverno.dev.loading.roots import is_ours
from wiverno.dev.loading.user_cache import cache_directory
from wiverno.dev.processes.forked import (
    Origin,
    OriginHandle,
    SnapshotHandle,
    SpareHandle,
    TemplateHandle,
)
from wiverno.dev.processes.handles import BuildCause, Level, ProcessHandle, WorkerHandle
from wiverno.dev.processes.messages import (
    Begun,
    Built,
    Copied,
    Message,
    Outcome,
    Preloaded,
    SnapshotRefused,
    SnapshotTaken,
)
from wiverno.dev.processes.root_list import KnownRoots, RootList
from wiverno.dev.processes.spares import SpareSlot
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.settings import DevSettings

# Whoever works on one thing edits a handful of files in turn.
_HOT_FILES = 4
# In place of the roots: of builds that shared an import of the application itself.
_NO_ROOTS: frozenset[str] = frozenset()
# So often in a row may what the template holds spoil a build, or end the template.
_MOST_FAILURES = 3
# What the template holds, snapshots from elsewhere hold as well: a few megabytes, or pandas.
_MOST_TWICE_BYTES = 32 * 1024 * 1024


class Forks:
    """Keeps templates and snapshots, and has candidates forked from them."""

    def __init__(self, table: ProcessTable, settings: DevSettings, news: ForkNews) -> None:
        self._table = table
        self._settings = settings
        self._news = news
        self._bare: TemplateHandle | None = None
        self._warm: TemplateHandle | None = None
        self._next_warm: TemplateHandle | None = None
        """It still imports; the one before it is used meanwhile."""
        self._snapshots: list[SnapshotHandle] = []
        """From the outermost to the deepest point of one import."""
        self._hot_files: list[str] = []
        self._spare = SpareSlot(table)
        self._must_be_bare = False
        self._skips_snapshots = False
        self._unfit_generation = 0
        """The last one that was built beside the snapshots."""
        self._is_again = False
        """Does the next build repeat one that ended without a verdict?"""
        self._is_building = False
        self._is_doubtful = False
        """Would a failure of the last build be the first one since a change?"""
        self._check: tuple[int, Level] | None = None
        """The generation that repeats a failed build without, and the level of that one."""
        self._last_level = Level.INTERPRETER
        self._unchecked: HeldFiles | None = None
        """Installed files that the last candidate holds from before its start."""
        self._written: Counter[str] = Counter()
        """How often an installed file was: one that each import touches says nothing."""
        self._failures: Counter[frozenset[str]] = Counter()
        """How often in a row builds from these roots had to be repeated without."""
        self._is_over = False
        self._installation = Installation()
        """As it was before anything that waits now was started."""
        self._last_generation = 0
        self._first_generation = 0
        """The first whose snapshots are kept."""
        self._root_list = RootList(cache_directory(), os.getcwd(), settings.target_text)
        self._known = self._root_list.read(self._installation.digest())

    def start_worker(
        self, generation: int, cause: BuildCause, good_sources_fd: int | None
    ) -> WorkerHandle:
        self._last_generation = generation
        self._note_hot_files(cause)
        self._look_at_installation()
        origin = None if self._must_be_new(generation, cause) else self._deepest_origin(cause)
        if self._skips_snapshots:
            self._unfit_generation = generation
        self._is_again = self._must_be_bare = self._skips_snapshots = False
        self._is_building = True
        if origin is not None:
            origin = replace(origin, spare=self._spare.take(origin.handle))
        handle = self._table.start_worker(
            generation, self._settings, cause, good_sources_fd, origin
        )
        self._last_level = handle.level
        self._unchecked = handle.held
        is_spare = origin is not None and origin.spare is not None
        self._news.forked(handle, is_spare=is_spare)
        return handle

    def served(self, worker: WorkerHandle) -> None:
        """What its files asked for is imported beforehand next time."""
        built = worker.built
        assert built is not None  # only a good build serves
        self._news.served(worker)
        self._is_building = False
        self._spare.want()
        if self._check is not None and self._check[0] == worker.generation:
            self._check_was_good(self._check[1])
        elif worker.level is not Level.INTERPRETER:
            del self._failures[_NO_ROOTS]
            if worker.level is Level.TEMPLATE:
                del self._failures[frozenset(self._warm_roots())]
        refused = {each.name for each in self._known.refused}
        if {name for name in built.roots if name not in refused} != set(self._warm_roots()):
            self._warm_up(built.roots)

    def failed(self, worker: WorkerHandle) -> None:
        """Import what the last session knew, so that the build that heals it is fast.

        Not sooner: beside the first build it would make that one slower, by 5 to 30 % on two
        cores, to be ready a second earlier; and whoever saves in that second resumes a
        snapshot.
        """
        self._is_building = False
        self._spare.want()
        if not self._warm_roots():
            self._warm_up(self._known.roots)

    def build_again(self, built: Built | None) -> None:
        self._is_again = True
        if built is None or built.outcome is not Outcome.UNFIT:
            self._must_be_bare = True
            if self._last_level is Level.TEMPLATE and (roots := self._warm_roots()):
                self._failed(roots)
        elif built.changed_path is None:
            # The file is broken. Once it is mended they are fit again.
            self._skips_snapshots = True
        else:
            path = built.changed_path
            fit = [each for each in self._snapshots if path not in each.paths_under_way]
            self._let_go_of_snapshots(len(fit))

    def why_outdated(self) -> str | None:
        """Looks while the candidate imports: it would take longer than some restarts."""
        held, self._unchecked = self._unchecked, None
        often = [path for path, times in self._written.items() if times >= _MOST_FAILURES]
        path = None if held is None else held.first_written(often)
        if path is None:
            return None
        self._written[path] += 1
        # Not owed to what the template does.
        self._last_level = Level.INTERPRETER
        self._let_go_of_all(path)
        return f"{path} was written"

    def on_message(self, handle: ProcessHandle, message: Message) -> None:
        match message:
            case Preloaded() if isinstance(handle, TemplateHandle):
                self._on_preloaded(handle, message)
            case SnapshotTaken() if isinstance(handle, WorkerHandle):
                self._on_taken(handle, message)
            case Begun() if isinstance(handle, SpareHandle):
                self._news.spare_ready(handle)
            case Copied() if isinstance(handle, WorkerHandle):
                self._on_copied(handle, message)
            case SnapshotRefused() if isinstance(handle, WorkerHandle):
                self._news.snapshot_refused(handle.generation, message)
            case _:
                raise ValueError(f"the supervisor does not understand {message.name!r}")

    @property
    def due_at(self) -> float | None:
        return None if self._is_building else self._spare.due_at

    def tend(self, now: float) -> None:
        if self.due_at is not None and now >= self.due_at:
            self._spare.prepare(self._likely_origin())

    def on_exit(self, handle: ProcessHandle) -> None:
        self._spare.has_ended(handle)
        if handle is self._bare:
            self._bare = None
        if handle is self._warm:
            self._warm = None
        if handle is self._next_warm:
            self._next_warm = None
            self._failed(handle.asked_for)
        self._snapshots = [each for each in self._snapshots if each is not handle]

    def end_session(self) -> None:
        self._is_over = True

    # A failure that a cold start might not give.

    def _must_be_new(self, generation: int, cause: BuildCause) -> bool:
        """Is the next candidate a new interpreter?

        The first try behind the page of a forked build is: it shows what a cold start gives.
        What is kept stays meanwhile, since most failures are the application's.
        """
        is_retry = cause.is_retry and not self._is_again
        is_first, self._is_doubtful = self._is_doubtful, not is_retry
        self._check = None
        if is_retry and is_first and self._last_level is not Level.INTERPRETER:
            self._check = generation, self._last_level
            return True
        # A bare template that could not be forked is not tried again for the same build.
        has_failed = self._must_be_bare and self._last_level is Level.BARE
        return has_failed or self._failures[_NO_ROOTS] >= _MOST_FAILURES

    def _check_was_good(self, level: Level) -> None:
        """The page was owed to what was kept, or the world has changed: begin anew with both."""
        self._news.fork_failed()
        self._failed(self._warm_roots() if level is Level.TEMPLATE else ())
        self._let_go_of_snapshots(0)
        self._let_go_of_warm()
        self._first_generation = self._last_generation + 1

    # What to fork from.

    def _likely_origin(self) -> OriginHandle | None:
        """Where the next build begins, if the file that has just changed changes again."""
        hot = self._hot_files[-1:]
        for snapshot in reversed(self._snapshots):
            # The first look takes longer than those that somebody waits for.
            if not any(map(snapshot.depends_on, hot)) and snapshot.is_valid():
                return snapshot
        return self._warm or self._bare

    def _deepest_origin(self, cause: BuildCause) -> Origin:
        if self._must_be_bare or not cause.changed:
            # Asked for by hand, after a death, tried again: the reason is not on disk.
            self._let_go_of_snapshots(0)
        if self._must_be_bare:
            self._let_go_of_warm()
        elif not self._skips_snapshots and (snapshot := self._deepest_valid()) is not None:
            return Origin(snapshot, Level.SNAPSHOT, snapshot.record, snapshot.frames)
        elif self._warm is not None:
            return Origin(self._warm, Level.TEMPLATE)
        if self._bare is None:
            self._bare = self._table.start_template((), self._left_out())
        return Origin(self._bare, Level.BARE)

    def _look_at_installation(self) -> None:
        """A cold start begins with what is there now: let go of whatever holds the old."""
        path = self._table.environment.refresh() or self._installation.first_change()
        if path is None:
            return
        self._let_go_of_all(path)
        self._installation = Installation()
        self._known = KnownRoots()

    def _let_go_of_all(self, path: str) -> None:
        """What was imported before the file at `path` was written."""
        self._news.installation_changed(path)
        self._let_go_of_snapshots(0)
        self._let_go_of_warm()
        self._let_go_of_bare()
        self._first_generation = self._last_generation + 1
        self._failures.clear()

    def _warm_up(self, roots: Sequence[str]) -> None:
        """Have a template import these, as far as that is known to do no harm."""
        if self._next_warm is not None:
            self._table.let_go(self._next_warm)
            self._next_warm = None
        refused = {each.name for each in self._known.refused if each.is_lasting}
        roots = [name for name in roots if name not in refused]
        times = max(self._failures[frozenset(roots)], self._failures[_NO_ROOTS])
        if roots and times < _MOST_FAILURES:
            self._next_warm = self._table.start_template(roots, self._left_out(), self._settings)

    def _left_out(self) -> tuple[str, ...]:
        return tuple(each.name for each in self._known.refused)

    def _failed(self, roots: Sequence[str]) -> None:
        self._failures[frozenset(roots)] += 1
        if self._failures[frozenset(roots)] == _MOST_FAILURES:
            self._news.roots_failed(roots, _MOST_FAILURES)

    def _let_go_of_warm(self) -> None:
        if self._next_warm is not None:
            # It may be in the middle of an import; nobody was forked from it.
            self._table.let_go(self._next_warm)
            self._next_warm = None
        if self._warm is not None:
            self._dismiss(self._warm)
            self._warm = None

    def _let_go(self, snapshot: SnapshotHandle) -> None:
        self._spare.let_go_of(snapshot)
        self._table.let_go(snapshot)

    def _dismiss(self, template: TemplateHandle) -> None:
        self._spare.let_go_of(template)
        self._table.dismiss(template)

    def _let_go_of_bare(self) -> None:
        if self._bare is not None:
            self._dismiss(self._bare)
            self._bare = None

    def _deepest_valid(self) -> SnapshotHandle | None:
        for index in range(len(self._snapshots) - 1, -1, -1):
            if self._snapshots[index].is_valid():
                return self._snapshots[index]
            # Those below it depend on no less.
            self._let_go_of_snapshots(index)
        return None

    def _let_go_of_snapshots(self, first: int) -> None:
        for snapshot in self._snapshots[first:]:
            self._let_go(snapshot)
        del self._snapshots[first:]

    def _note_hot_files(self, cause: BuildCause) -> None:
        cold = [path for path in self._hot_files if path not in cause.changed]
        self._hot_files = [*cold, *cause.changed][-_HOT_FILES:]
        cause.hot_files = tuple(self._hot_files)

    def _warm_roots(self) -> tuple[str, ...]:
        """What it has imported, or is to."""
        if self._next_warm is not None:
            return self._next_warm.asked_for
        if self._warm is None or self._warm.preloaded is None:
            return ()
        return self._warm.preloaded.roots

    # What is told.

    def _on_preloaded(self, handle: TemplateHandle, message: Preloaded) -> None:
        handle.preloaded = message
        self._table.end_trials(handle)
        if handle.held is not None:
            handle.held.add(message.payload)
        if handle is not self._next_warm:
            # Bare, or not wanted any more.
            self._news.template_ready(handle.pid, Preloaded(()))
            return
        held_ours = _holds_ours(self._warm)
        if self._warm is not None:
            self._dismiss(self._warm)
        self._warm, self._next_warm = handle, None
        if message.roots:
            self._let_go_of_bare()
        else:
            self._let_go_of_warm()  # No better than the bare one.
        is_held_by_none = _holds_ours(handle) and not held_ours
        if is_held_by_none or handle.memory_bytes() > _MOST_TWICE_BYTES:
            # Made again by the next build, they share all that with it. What ours import to
            # serve an application comes last in an import, so snapshots without a template
            # never hold it.
            self._let_go_of_snapshots(0)
            self._first_generation = self._last_generation + 1
        self._spare.want()
        lasting = tuple(each for each in self._known.refused if each.is_lasting)
        self._known = KnownRoots(message.roots, (*lasting, *message.refused))
        self._news.template_ready(handle.pid, message, lasting)
        self._root_list.write(self._installation.digest(), self._known)

    def _on_copied(self, worker: WorkerHandle, copied: Copied) -> None:
        origin = worker.origin
        if isinstance(origin, OriginHandle) and copied.payload:
            origin.pages = copied.payload
            # One that was forked meanwhile knows nothing of them.
            self._spare.let_go_of(origin)
            self._spare.want()

    def _on_taken(self, candidate: WorkerHandle, taken: SnapshotTaken) -> None:
        snapshot = self._table.add_snapshot(candidate, taken, self._hot_files)
        self._news.snapshot_taken(candidate.generation, taken)
        is_old = candidate.generation < self._first_generation
        is_beside = candidate.generation == self._unfit_generation
        if is_old or is_beside or self._is_over or candidate.is_leaving:
            self._table.let_go(snapshot)
            return
        self._snapshots.append(snapshot)
        if (index := one_too_many([each.kept for each in self._snapshots])) is not None:
            self._let_go(self._snapshots.pop(index))


def _holds_ours(template: TemplateHandle | None) -> bool:
    if template is None or template.preloaded is None:
        return False
    return any(map(is_ours, template.preloaded.roots))
