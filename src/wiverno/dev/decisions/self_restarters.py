"""Which file restarts the application again and again, most likely because that writes it."""

from collections import deque
from collections.abc import Sequence


class SelfRestarters:
    """Counts the builds that each path causes. Pure: `now` is a parameter, in seconds."""

    def __init__(self, builds: int = 5, within_s: float = 10.0, quiet_s: float = 60.0) -> None:
        """So many `builds` `within_s` are suspicious; after `quiet_s` without one, again."""
        self._builds = builds
        self._within_s = within_s
        self._quiet_s = quiet_s
        self._times: dict[str, deque[float]] = {}
        self._named: set[str] = set()

    def build_began(self, now: float, causes: Sequence[str]) -> list[str]:
        """The paths to name now, among those that this build was started for."""
        self._forget_quiet(now)
        for path in causes:
            self._times.setdefault(path, deque(maxlen=self._builds)).append(now)
        names = [path for path in causes if path not in self._named and self._is_hot(path, now)]
        self._named.update(names)
        return names

    def _is_hot(self, path: str, now: float) -> bool:
        times = self._times[path]
        return len(times) == self._builds and now - times[0] <= self._within_s

    def _forget_quiet(self, now: float) -> None:
        for path, times in tuple(self._times.items()):
            if now - times[-1] >= self._quiet_s:
                del self._times[path]
                self._named.discard(path)
