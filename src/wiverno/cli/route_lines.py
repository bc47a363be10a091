"""The routes of an application as lines for people and as values for programs."""

import functools
import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from wiverno.core.static_files import StaticFiles
from wiverno.dev.terminal.screen import printable

_HEAD = ("METHODS", "PATH", "NAME", "VIEW")
_BETWEEN = "  "


class Route(Protocol):
    """What is read of a route of `Wiverno.routes`."""

    @property
    def path(self) -> str: ...

    @property
    def methods(self) -> tuple[str, ...] | None: ...

    @property
    def handler(self) -> Any: ...

    @property
    def name(self) -> str: ...


def lines(routes: Iterable[Route], folder: Path) -> Iterator[tuple[str, ...]]:
    """Lines of cells that are padded to columns, the head first.

    Files below `folder` are named from there on, as editors and terminals open them.
    """
    rows = [_HEAD, *(_cells(route, folder) for route in routes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        # What is behind the last column would only wrap in a narrow terminal.
        yield (*(f"{cell}{_BETWEEN}" for cell in padded[:-1]), row[-1])


def values(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """All that is known of each route; what is unknown, or any method, is None."""
    return [_values(route) for route in routes]


def _cells(route: Route, folder: Path) -> Sequence[str]:
    cells = (_methods(route), route.path, route.name or "-", _view(route, folder))
    return [printable(cell) for cell in cells]


def _methods(route: Route) -> str:
    return "any" if route.methods is None else ", ".join(route.methods)


def _view(route: Route, folder: Path) -> str:
    if isinstance(route.handler, StaticFiles):
        # Nobody wants to open the view itself.
        return f"files of {_named_from(folder, route.handler.folder)}"
    view = _written(route.handler)
    place = _place(view)
    if place is None:
        return str(view.__qualname__)
    file, line = place
    return f"{_named_from(folder, Path(file))}:{line}"


def _named_from(folder: Path, path: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _values(route: Route) -> dict[str, Any]:
    view = _written(route.handler)
    file, line = _place(view) or (None, None)
    return {
        "methods": None if route.methods is None else list(route.methods),
        "path": route.path,
        "name": route.name,
        "view": f"{view.__module__}.{view.__qualname__}",
        "file": file,
        "line": line,
    }


def _written(handler: Any) -> Any:
    """The function, method or class that somebody has written: not a wrapper, not an object."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    handler = inspect.unwrap(handler)
    is_object = not (inspect.isroutine(handler) or inspect.isclass(handler))
    return type(handler) if is_object else handler


def _place(view: Any) -> tuple[str, int] | None:
    """File and first line; None where there is no source, as of what C code defines."""
    try:
        file = inspect.getsourcefile(view)
        line = inspect.getsourcelines(view)[1]
    except (OSError, TypeError):
        return None
    return None if file is None else (file, line)
