"""What the words on the command line mean."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from wiverno.cli.failures import UserError
from wiverno.cli.finding import DEFAULT_MODULE
from wiverno.core.app_target import DEFAULT_ATTRIBUTE, AppTarget, parse
from wiverno.core.exceptions import AppTargetError

# Said only where they are not the default.
_LATER_WORDS = {
    "on_error": "--on-error",
    "reload": "--reload",
    "reload_strategy": "--reload-strategy",
    "wait_timeout_seconds": "--wait-timeout",
    "build_timeout_seconds": "--build-timeout",
    "watch_files": "--watch-file",
    "static_dirs": "--static-dir",
    "unwatch_files": "--unwatch-file",
    "interface": "--interface",
    "env_files": "--env-file",
    "verbose": "--verbose",
}


@dataclass(frozen=True, slots=True)
class DevelopmentOptions:
    """What `run dev` and `start` were told."""

    target: AppTarget
    host: str
    port: int
    watch_dirs: list[str] | None
    ignore_patterns: list[str] | None
    debounce_seconds: float
    on_error: str = "page"
    reload: str = "auto"
    reload_strategy: str = "auto"
    wait_timeout_seconds: float = 10.0
    build_timeout_seconds: float = 120.0
    watch_files: tuple[str, ...] = ()
    static_dirs: tuple[str, ...] = ()
    unwatch_files: tuple[str, ...] = ()
    interface: str = "auto"
    env_files: tuple[str, ...] = ()
    verbose: bool = False

    def words(self) -> tuple[str, ...]:
        """The words that mean these options: short, and the same for the same options."""
        words = [str(self.target), "--host", self.host, "--port", str(self.port)]
        if self.watch_dirs is not None:
            words += ["--watch", ",".join(self.watch_dirs)]
        if self.ignore_patterns is not None:
            words += ["--ignore", ",".join(self.ignore_patterns)]
        words += ["--debounce", str(self.debounce_seconds)]
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _LATER_WORDS and value != item.default:
                words += _option(_LATER_WORDS[item.name], value)
        return tuple(words)


def _option(word: str, value: object) -> Iterator[str]:
    if value is True:
        yield word
        return
    for each in value if isinstance(value, tuple) else (value,):
        yield from (word, str(each))


def choose_target(app: str | None, app_module: str | None, app_name: str | None) -> AppTarget:
    """The target from APP, or from `--app-module` and `--app-name`; never from both.

    Where none of them is given, `finding` has to look.
    """
    try:
        if app is None:
            return AppTarget(app_module or DEFAULT_MODULE, app_name or DEFAULT_ATTRIBUTE)
        _check_single_source(app, app_module, app_name)
        return parse(app)
    except AppTargetError as error:
        raise UserError(error) from None


def split_words(text: str | None) -> list[str] | None:
    """Split at commas; None stays None, for "the documented default"."""
    if text is None:
        return None
    return [word.strip() for word in text.split(",") if word.strip()]


def _check_single_source(app: str, app_module: str | None, app_name: str | None) -> None:
    if app_module is not None:
        raise UserError(
            f"Both APP ({app!r}) and --app-module ({app_module!r}) name the application. Give one."
        )
    if app_name is not None:
        raise UserError(
            f"--app-name ({app_name!r}) belongs to --app-module. "
            f"Write it into APP: '{app.partition(':')[0]}:{app_name}'."
        )
