"""The settings of a dev session, checked when they are made."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wiverno.core.exceptions import WivernoError
from wiverno.core.interfaces import INTERFACE_CHOICES

ON_ERROR_CHOICES = ("page", "keep")
RELOAD_CHOICES = ("auto", "manual")
STRATEGY_CHOICES = ("auto", "fork", "spawn")
MAX_TIMEOUT_S = 86_400.0


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
    on_error: str = "page"
    """`page`, or `keep`: the last good version goes on."""
    reload: str = "auto"
    """`auto`, or `manual`: a worker that serves is replaced only when somebody asks for it."""
    reload_strategy: str = "auto"
    """`fork`, `spawn`, or what this system does best."""
    interface: str = "auto"
    """`wsgi`, `asgi`, or what the application looks like."""
    is_verbose: bool = False
    """Does the terminal tell where the time of each restart goes?"""
    watch_files: tuple[str, ...] = ()
    """Absolute, as those below: depended on from the start."""
    static_dirs: tuple[str, ...] = ()
    """Nothing below them is a data file."""
    unwatch_files: tuple[str, ...] = ()
    """Not followed, unless imported."""
    env_files: tuple[str, ...] = ()
    """Set variables for the application; depended on like those of `watch_files`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the application has where nobody else sets them."""
    import_dirs: tuple[str, ...] = ()
    """Absolute: on the import path of the application, behind the current directory."""

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
    fork_patience_s: float = 2.0
    """How long a forked build may take, or three times as long as a cold one did, before it is
    begun again in a process of its own: a fork may have lost what it waits for."""
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
    def keeps_on_error(self) -> bool:
        return self.on_error == "keep"

    @property
    def is_manual(self) -> bool:
        return self.reload == "manual"

    @property
    def forks(self) -> bool:
        """Are candidates forked from earlier imports?"""
        return self.reload_strategy == "fork" or (
            self.reload_strategy == "auto" and sys.platform.startswith("linux")
        )

    @property
    def target_text(self) -> str:
        return f"{self.app_module}:{self.app_name}"

    @classmethod
    def checked(  # noqa: PLR0913 - one for each option
        cls,
        *,
        app: tuple[str, str],
        url: str,
        watch_dirs: Sequence[str],
        ignore_patterns: Sequence[str] | None,
        debounce_s: float,
        on_error: str,
        reload: str,
        reload_strategy: str,
        wait_timeout_s: float,
        build_timeout_s: float,
        watch_files: Sequence[str],
        static_dirs: Sequence[str],
        unwatch_files: Sequence[str],
        interface: str = "auto",
        env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        import_dirs: Sequence[str] = (),
        is_verbose: bool = False,
    ) -> "DevSettings":
        """Raises SettingError, saying which value is wrong and what would be right."""
        if not 0 <= debounce_s < float("inf"):
            raise SettingError(f"debounce_seconds={debounce_s!r} must be 0 or more seconds.")
        _check_choice("on_error", on_error, ON_ERROR_CHOICES)
        _check_choice("reload", reload, RELOAD_CHOICES)
        _check_choice("reload_strategy", reload_strategy, STRATEGY_CHOICES)
        _check_choice("interface", interface, INTERFACE_CHOICES)
        if reload_strategy == "fork" and not sys.platform.startswith("linux"):
            raise SettingError("reload_strategy='fork' needs Linux. Use 'spawn' or 'auto'.")
        # In any order: a build that is ended before a request has waited too long answers it.
        _check_timeout("wait_timeout_seconds", wait_timeout_s)
        _check_timeout("build_timeout_seconds", build_timeout_s)
        settings = cls(
            app_module=app[0],
            app_name=app[1],
            url=url,
            watch_dirs=tuple(os.path.abspath(path) for path in watch_dirs),  # noqa: PTH100
            ignore_patterns=None if ignore_patterns is None else tuple(ignore_patterns),
            debounce_s=debounce_s,
            on_error=on_error,
            reload=reload,
            reload_strategy=reload_strategy,
            wait_timeout_s=wait_timeout_s,
            build_timeout_s=build_timeout_s,
            watch_files=(
                *_absolute("watch_files", watch_files),
                *_absolute("env_files", env_files),
            ),
            static_dirs=_absolute("static_dirs", static_dirs),
            unwatch_files=_absolute("unwatch_files", unwatch_files),
            interface=interface,
            env_files=_absolute("env_files", env_files),
            environment=dict(environment or {}),
            import_dirs=_absolute("import_dirs", import_dirs),
            is_verbose=is_verbose,
        )
        settings._check_paths()
        return settings

    def _check_paths(self) -> None:
        for name, paths in (
            ("watch_files", self.watch_files),
            ("unwatch_files", self.unwatch_files),
        ):
            for path in filter(os.path.isdir, paths):
                raise SettingError(
                    f"{name}: {path!r} is a directory. Name a file; folders are for watch_dirs, "
                    "or, to leave their data files out, for static_dirs."
                )
        for path in filter(os.path.isfile, self.import_dirs):
            raise SettingError(f"import_dirs: {path!r} is a file. Name the folder that it lies in.")
        for path in filter(os.path.isfile, self.static_dirs):
            raise SettingError(
                f"static_dirs: {path!r} is a file. Name its folder, or the file in unwatch_files."
            )
        for path in sorted(set(self.watch_files) & set(self.unwatch_files)):
            raise SettingError(
                f"watch_files and unwatch_files both name {path!r}. Leave it in one of them."
            )


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        wanted = " or ".join(map(repr, choices))
        raise SettingError(f"{name}={value!r} is not a choice. Use {wanted}.")


def _check_timeout(name: str, value: float) -> None:
    if not 0 < value <= MAX_TIMEOUT_S:
        raise SettingError(f"{name}={value!r} must be more than 0 and at most a day (86400).")


def _absolute(name: str, paths: Sequence[str]) -> tuple[str, ...]:
    if isinstance(paths, str):
        raise SettingError(f"{name}={paths!r} is one text. Give a list of paths.")
    if "" in paths:
        raise SettingError(f"{name} holds an empty path. Leave it out, or name the file or folder.")
    return tuple(os.path.abspath(path) for path in paths)  # noqa: PTH100
