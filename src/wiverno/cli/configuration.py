"""`[tool.wiverno]` in the `pyproject.toml` of the current directory: defaults for the command line.

What is given on the command line wins. A key that is not known is an error, not a default
that silently does not hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

FILE = "pyproject.toml"
TABLE = "[tool.wiverno]"
INTERFACES = ("auto", "wsgi", "asgi")
"""Those of `wiverno.core.interfaces`, which --help must not import to show."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the project says. Keys are the names of options, values as click takes them."""

    app: str | None = None
    defaults: dict[str, Any] = field(default_factory=dict)


class ConfiguredCommand(click.Command):
    """A command whose options have their defaults from `[tool.wiverno]`.

    Read when the command runs: its `--help` shows what holds everywhere.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always, with the defaults of the project."""
        if "--help" not in args:
            own = {each.name for each in self.params}
            defaults = read(Path()).defaults
            ctx.default_map = {name: value for name, value in defaults.items() if name in own}
        return super().parse_args(ctx, args)


def is_given(context: click.Context, name: str) -> bool:
    """Is the parameter on the command line?"""
    source = context.get_parameter_source(name)
    return source not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def read(folder: Path) -> Configuration:
    """Empty where there is no such table. Raises UserError for one that cannot be meant."""
    try:
        text = (folder / FILE).read_bytes()
    except OSError:
        return Configuration()
    # Without it there is nothing to find, and `tomllib` takes some milliseconds.
    if b"wiverno" not in text:
        return Configuration()
    # Both spellings are usual in this file.
    table = {name.replace("-", "_"): value for name, value in _table(text).items()}
    for name, value in table.items():
        _check(name, value)
    defaults = {name: _READERS[name](value) for name, value in table.items() if name != "app"}
    return Configuration(table.get("app"), defaults)


def _table(text: bytes) -> dict[str, Any]:
    import tomllib

    try:
        document = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _error(f"{FILE} cannot be read: {error}.") from None
    tool = document.get("tool", {})
    table = tool.get("wiverno", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise _error(f"wiverno = {table!r} in {FILE} is no table. Write {TABLE}, and keys below.")
    return table


def _check(name: str, value: object) -> None:
    if name not in _KINDS:
        close = get_close_matches(name, _KINDS, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(_KINDS)}."
        raise _error(f"{name!r} below {TABLE} in {FILE} is not known. {remedy}")
    is_kind, wanted = _KINDS[name]
    if not is_kind(value):
        raise _error(f"{name} = {value!r} below {TABLE} in {FILE} has to be {wanted}.")


def _error(text: str) -> click.ClickException:
    from wiverno.cli.failures import UserError

    return UserError(text)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535


def _is_texts(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


def _is_interface(value: object) -> bool:
    return isinstance(value, str) and value in INTERFACES


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _with_commas(value: Any) -> str:
    return ",".join(_as_list(value))


_TEXTS = (_is_texts, "a text or a list of texts")
_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "app": (_is_text, "a text, as 'module:attribute'"),
    "host": (_is_text, "a text"),
    "port": (_is_port, "a number from 0 to 65535"),
    "interface": (_is_interface, "one of 'auto', 'wsgi', 'asgi'"),
    "env_file": _TEXTS,
    "watch": _TEXTS,
    "ignore": _TEXTS,
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "host": str,
    "port": int,
    "interface": str,
    "env_file": _as_list,
    "watch": _with_commas,
    "ignore": _with_commas,
}
