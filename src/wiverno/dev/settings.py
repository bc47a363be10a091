"""The settings of a dev session, checked when they are made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from wiverno.core.exceptions import WivernoError


class SettingError(WivernoError, ValueError):
    """A setting of the dev server has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class DevSettings:
    """What one session needs to know. Times are in seconds."""

    app_module: str
    app_name: str
    url: str
    watch_dirs: tuple[str, ...]
    ignore_patterns: tuple[str, ...] | None
    """None for the defaults."""
    debounce_s: float

    retire_deadline_s: float = 10.0
    """How long a replaced worker may finish its requests. It serves nothing new meanwhile, so
    this costs nobody time; it bounds streams that never end."""
    stop_deadline_s: float = 1.0
    """The same after Ctrl+C. Two seconds in all is what people wait before they press again."""
    retire_leave_s: float = 2.0
    """After the requests, for threads and atexit handlers of a replaced worker."""
    stop_leave_s: float = 0.4
    """The same after Ctrl+C."""
    kill_margin_s: float = 0.2
    """What a process gets beyond all its deadlines before SIGKILL."""
    verify_bound_s: float = 10.0
    """How long builds may follow each other because a file keeps changing, before a page."""
    write_patience_s: float = 1.0
    """How long a finished build waits for somebody who still writes a file that it has read."""
    wait_timeout_s: float = 10.0
    """How long a request waits for a build before a page says where the build stands."""
    silence_s: float = 2.5
    """From here on the output of a build is shown. Later than the two seconds after which the
    next thing that it prints is shown by the candidate itself: two must not do it at once."""
    build_timeout_s: float = 120.0
    """How long a build may take before it is ended and called a hang."""
    retry_pause_s: float = 2.0
    """Between tries to build again, unchanged, while requests get the page of a failure."""
    pages_pause_s: float = 1.0
    """Between tries to start a pages process that ends by itself."""
    stand_down_deadline_s: float = 2.0
    """How long pages may take to hand over its connections before a good worker goes."""
    crashes_before_page: int = 3
    """So many deaths of a worker without a change give a page instead of another try."""

    last_words_s: float = 0.2
    """At the end, for output that a slow reader has not taken yet."""

    @property
    def target_text(self) -> str:
        return f"{self.app_module}:{self.app_name}"

    @classmethod
    def checked(
        cls,
        *,
        app: tuple[str, str],
        url: str,
        watch_dirs: Sequence[str],
        ignore_patterns: Sequence[str] | None,
        debounce_s: float,
    ) -> "DevSettings":
        """Raises SettingError, saying which value is wrong and what would be right."""
        if not 0 <= debounce_s < float("inf"):
            raise SettingError(f"debounce_seconds={debounce_s!r} must be 0 or more seconds.")
        return cls(
            app_module=app[0],
            app_name=app[1],
            url=url,
            watch_dirs=tuple(os.path.abspath(path) for path in watch_dirs),  # noqa: PTH100
            ignore_patterns=None if ignore_patterns is None else tuple(ignore_patterns),
            debounce_s=debounce_s,
        )
