"""`wiverno routes`: what an application answers, and where that is written."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from wiverno.cli.failures import UserError
from wiverno.cli.production import load_application
from wiverno.cli.route_lines import Route, lines, values
from wiverno.cli.source_folder import import_dirs
from wiverno.core.app_target import AppTarget
from wiverno.main import Wiverno

_HEAD_STYLE: dict[str, Any] = {"bold": True}
# Methods, path, name, view.
_CELL_STYLES: tuple[dict[str, Any], ...] = ({"fg": "green"}, {"bold": True}, {}, {"dim": True})


class _Mounted(NamedTuple):
    """The line of an application that is mounted."""

    path: str
    handler: Any
    methods: None = None
    name: str = ""


def show(target: AppTarget, *, as_json: bool) -> None:
    """Import the application and print its routes, in the order of their registration.

    Behind them come the applications that are mounted: `/admin/*`.
    """
    routes = _routes(_load(target))
    if as_json:
        _print(json.dumps({"target": str(target), "routes": values(routes)}))
    elif not routes:
        _print(f"{target} has no routes.")
    else:
        _print_table(routes)


def _load(target: AppTarget) -> Wiverno:
    # Only the table may come to stdout: others read it.
    with contextlib.redirect_stdout(sys.stderr):
        application = load_application(target, import_dirs(target))
    if isinstance(application, Wiverno):
        return application
    raise UserError(
        f"{target} is a {type(application).__name__}, not a Wiverno application, so its routes "
        "are not known. If it wraps one, name that: 'module:attribute'."
    )


def _routes(application: Wiverno) -> Sequence[Route]:
    mounted = [_Mounted(f"{each.prefix}/*", each.application) for each in application.mounts]
    return [*application.routes, *mounted]


def _print_table(routes: Sequence[Route]) -> None:
    head, *rows = lines(routes, Path.cwd())
    _print("".join(click.style(cell, **_HEAD_STYLE) for cell in head))
    for row in rows:
        cells = zip(row, _CELL_STYLES, strict=True)
        _print("".join(click.style(cell, **style) for cell, style in cells))


def _print(text: str) -> None:
    """In colour to a terminal only, and never without https://no-color.org being heard."""
    encoding = sys.stdout.encoding or "utf-8"
    encodable = text.encode(encoding, "backslashreplace").decode(encoding)
    click.echo(encodable, color=False if os.environ.get("NO_COLOR") else None)
