"""Which settings a Django project runs with, as its `manage.py` says. Runs nothing of it."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "DJANGO_SETTINGS_MODULE"
MANAGE_FILE = "manage.py"


def settings_in(text: str | bytes) -> str | None:
    """The module that `manage.py` names for the variable; None where it names none.

    >>> settings_in('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")')
    'shop.settings'
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return next(_named(tree), None)


def choose_settings() -> str | None:
    """The settings of the project in the current directory: the environment wins over the file."""
    if chosen := os.environ.get(VARIABLE):
        return chosen
    try:
        return settings_in(Path(MANAGE_FILE).read_bytes())
    except OSError:
        return None


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setdefault"),
                args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), ast.Constant(value=str(name))],
            ):
                yield name
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value="DJANGO_SETTINGS_MODULE"))],
                value=ast.Constant(value=str(name)),
            ):
                yield name
            case _:
                pass
