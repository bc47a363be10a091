"""When a burst of saves has settled. The clock is a parameter."""


class Debounce:
    """A deadline that each change moves to `quiet_s` later, `max_rearms` times `quiet_s` at most.

    The limit is a time, not a count of calls: one save rings two or three times, and a
    `git checkout` some hundred times within a second, so that a count would be used up
    by the first file. The deadline lies at the latest `(max_rearms + 1) * quiet_s` after
    the first change, so that a stream of saves cannot postpone it for ever.
    """

    __slots__ = ("_deadline", "_latest", "_max_rearms", "_quiet_s")

    def __init__(self, quiet_s: float, max_rearms: int = 5) -> None:
        self._quiet_s = quiet_s
        self._max_rearms = max_rearms
        self._deadline: float | None = None
        self._latest = 0.0

    @property
    def deadline(self) -> float | None:
        """When the changes count as settled; None while there is none."""
        return self._deadline

    def change(self, now: float) -> None:
        """Arm at the first change, re-arm at each further one that comes before the deadline."""
        if self._deadline is None:
            self._latest = now + (self._max_rearms + 1) * self._quiet_s
            self._deadline = now + self._quiet_s
        elif now < self._deadline:
            # max: a clock that seems to go back must not bring the deadline forward.
            self._deadline = max(self._deadline, min(now + self._quiet_s, self._latest))

    def due(self, now: float) -> bool:
        """Whether changes have settled and wait to be acted on."""
        return self._deadline is not None and now >= self._deadline

    def clear(self) -> None:
        """Forget the changes, since somebody acts on them."""
        self._deadline = None
