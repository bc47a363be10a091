"""The changes that no generation has served yet, and how long to wait for more of them."""

import time

from wiverno.dev.decisions.changes import Change, is_news
from wiverno.dev.decisions.debounce import Debounce
from wiverno.dev.loading.signatures import ABSENT, read_signature
from wiverno.dev.processes.handles import BuildCause, WorkerHandle


class PendingChanges:
    """Collects what the watcher, gates and verifications tell; see decision 4."""

    def __init__(self, debounce_s: float) -> None:
        self._debounce = Debounce(debounce_s)
        self._changes: dict[str, Change] = {}
        self._given_back: frozenset[str] | None = None

    def __bool__(self) -> bool:
        return bool(self._changes)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self._changes)

    @property
    def deadline(self) -> float | None:
        """When the burst counts as settled, in monotonic seconds; None without a change."""
        return self._debounce.deadline

    def are_settled(self, now: float) -> bool:
        return self._debounce.due(now)

    def add(self, change: Change) -> None:
        self._changes[change.path] = change
        self._debounce.change(change.noticed_at)

    def add_seen(self, path: str) -> None:
        """What a gate or a verification saw, maybe before the watcher tells of it."""
        now = time.monotonic()
        self._changes.setdefault(path, Change("modified", path, now))
        self._debounce.change(now)

    def drop_served(self, serving: WorkerHandle | None) -> None:
        """Forget what the present generation, or the failure it shows, has already seen."""
        if serving is not None:
            self._changes = {
                path: change
                for path, change in self._changes.items()
                if _is_unserved(change, serving)
            }

    def read_in_vain(self, candidate: WorkerHandle) -> str | None:
        """The first that the candidate has read and that is different by now."""
        for path in self._changes:
            seen = candidate.recorded_signature(path)
            is_other = seen is not None and seen != read_signature(path)
            if is_other and not candidate.holds_same_content(path):
                return path
        return None

    def settle(self) -> None:
        self._debounce.clear()

    def postpone(self) -> None:
        """Look again after another quiet time: a build is under way that may cover them."""
        self._debounce.clear()
        self._debounce.change(time.monotonic())

    def give_back(self, cause: BuildCause) -> None:
        """The build that took them is repeated."""
        self._given_back = frozenset(cause.changed)
        for path in cause.changed:
            noticed_at = time.monotonic() if cause.noticed_at is None else cause.noticed_at
            self._changes.setdefault(path, Change("modified", path, noticed_at))

    def take(self) -> BuildCause:
        """All of them: what is known to have changed is in the build that starts now."""
        times = [change.noticed_at for change in self._changes.values()]
        cause = BuildCause(tuple(self._changes), min(times, default=None))
        given_back, self._given_back = self._given_back, None
        cause.is_repeated = given_back is not None and given_back.issuperset(cause.changed)
        self._changes = {}
        self._debounce.clear()
        return cause


def _is_unserved(change: Change, serving: WorkerHandle) -> bool:
    now = read_signature(change.path)
    recorded = serving.recorded_signature(change.path)
    if recorded is not None:
        return recorded != now and not serving.holds_same_content(change.path)
    if serving.has_written(change.path):
        return False
    return is_news(change, None if now == ABSENT else now[3], serving.start)
