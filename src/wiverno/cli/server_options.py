"""The options of `run prod`: the settings of the server, as the command line says them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from wiverno.cli.configuration import ConfiguredCommand, is_given

if TYPE_CHECKING:
    from dataclasses import Field

    from wiverno.core.server.limits import ServerSettingsError
    from wiverno.core.server.settings import ServerSettings

_KIB = 1024
_TYPES: dict[type, Any] = {int: click.INT, float: click.FLOAT, str: click.STRING, tuple: None}
_SPOKEN_UNITS = ("seconds", "bytes", "path", "addresses")


class ServerCommand(ConfiguredCommand):
    """A command with an option for each setting that has one.

    They are made when somebody asks for them, which `wiverno --help` does not.
    """

    _server_options: list[click.Parameter] | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters of the command itself, then those of the server, then --help."""
        if self._server_options is None:
            self._server_options = list(_options())
            self.params = [*self.params, *self._server_options]
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always, but a bad value is one line, whoever finds it."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            from wiverno.cli.failures import UserError

            raise UserError(error.format_message()) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """In the groups of the reference."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # click has a nameless one for APP, which the docstring explains.
            if record is not None and not isinstance(parameter, click.Argument):
                group = parameter.group if isinstance(parameter, _ServerOption) else "Options"
                groups.setdefault(group, []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)


def settings_from_words(values: dict[str, Any]) -> "ServerSettings":
    """The settings out of the values of all options; raises UserError for one that cannot work."""
    from wiverno.core.server.limits import ServerSettingsError
    from wiverno.core.server.options import settings_from

    options: Any = {name: value for name, value in values.items() if name != "backlog"}
    try:
        return settings_from(options, backlog=values["backlog"])
    except ServerSettingsError as error:
        from wiverno.cli.failures import UserError

        raise UserError(_in_words(error)) from None


def refuse_two_places(context: click.Context) -> None:
    """A server listens on a path, or on host and port."""
    path = context.params["uds"]
    if path is None:
        return
    for name in ("host", "port"):
        if is_given(context, name):
            from wiverno.cli.failures import UserError

            raise UserError(
                f"Both --uds ({path!r}) and --{name} ({context.params[name]}) say where to listen. "
                "Give one."
            )


class _ServerOption(click.Option):
    group = ""


def _options() -> Iterator[click.Parameter]:
    from wiverno.core.server.about import GROUPS, about
    from wiverno.core.server.settings import all_settings

    settings = [each for each in all_settings() if about(each).option is not None]
    for each in sorted(settings, key=lambda each: GROUPS.index(about(each).group)):
        yield _option(each)


def _option(setting: "Field[Any]") -> click.Parameter:
    from wiverno.core.server.about import about, value_type

    words, kind = about(setting), value_type(setting)
    # Without a default there is a rule instead, which the reason states.
    text = words.meaning if setting.default is not None else f"{words.meaning} {words.reason}"
    default, unit = shown_default(setting), words.unit.partition(" ")[0]
    option = _ServerOption(
        [words.option or "", setting.name],
        default=setting.default,
        type=click.Choice(words.choices) if words.choices else _TYPES.get(kind),
        multiple=kind is tuple,
        metavar=(unit.upper() if unit in _SPOKEN_UNITS else "N") if unit else None,
        # Not as click's show_default, which would put brackets around it.
        help=f"{text}  [default: {default}]" if default else text,
    )
    option.group = words.group
    return option


def shown_default(setting: "Field[Any]") -> str:
    """The default with its unit; "" where there is none to show."""
    from wiverno.core.server.about import about

    value: Any = setting.default
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value or "none"
    unit = about(setting).unit
    if value == 1:
        unit = unit.removesuffix("s")
    shown = f"{value:g} {unit}" if isinstance(value, float) else f"{value} {unit}"
    return f"{shown} = {_rounded(value)}" if unit == "bytes" and value >= _KIB else shown


def _rounded(size_bytes: int) -> str:
    for name in ("KiB", "MiB"):
        size_bytes //= _KIB
        if size_bytes < _KIB:
            return f"{size_bytes} {name}"
    return f"{size_bytes // _KIB} GiB"


def _in_words(error: "ServerSettingsError") -> str:
    """The same with the option instead of the name in Python."""
    from wiverno.core.server.about import about
    from wiverno.core.server.settings import all_settings

    options = {each.name: about(each).option for each in all_settings()}
    return f"{options[error.setting]} {error.value!r} {error.fault}"
