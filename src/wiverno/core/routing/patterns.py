"""Path patterns: `/users/{id:int}` read into what matches, converts and ranks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.http.paths import normalize_path


@dataclass(frozen=True, slots=True)
class Converter:
    """How one type of `{name:type}` is recognised and turned into a value."""

    expression: str
    convert: Callable[[str], Any]
    # Lower is narrower; between patterns of equal length the narrower one wins.
    rank: int


# Digits are bounded because int() refuses long ones and float() makes them infinite:
# a path that no such number fits is not found rather than an error.
_CONVERTERS = {
    "int": Converter(r"-?[0-9]{1,300}", int, 1),
    "float": Converter(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?", float, 2),
    "str": Converter(r"[^/]+", str, 3),
    "path": Converter(r".+", str, 4),
}
_STATIC_RANK = 0
_PARAMETER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A route's path. Two patterns of one `shape` match exactly the same paths."""

    path: str
    shape: str
    names: tuple[str, ...]
    converters: tuple[Converter, ...]
    expression: re.Pattern[str]
    precedence: tuple[int, tuple[int, ...]]

    @property
    def is_static(self) -> bool:
        """Whether the pattern matches one path only."""
        return not self.names

    def match(self, path: str) -> tuple[Any, ...] | None:
        """The converted values in the order of the names, None if `path` does not match."""
        found = self.expression.fullmatch(path)
        if found is None:
            return None
        pairs = zip(self.converters, found.groups(), strict=True)
        return tuple(converter.convert(text) for converter, text in pairs)


def parse_pattern(path: str) -> PathPattern:
    """Read a path with `{name}` and `{name:int|float|str|path}`.

    Raises `RouteDefinitionError`.
    """
    normal = normalize_path(path)
    # `split` with one group alternates: static text, parameter, static text, ...
    parts = _PARAMETER.split(normal)
    _check_braces(path, parts[::2])
    parameters = [_parse_parameter(path, text) for text in parts[1::2]]
    names = tuple(name for name, _ in parameters)
    if len(set(names)) != len(names):
        raise RouteDefinitionError(f"Path {path!r} uses a parameter name twice. Rename one.")
    expression, shape = re.escape(parts[0]), parts[0]
    for (_, type_name), static in zip(parameters, parts[2::2], strict=True):
        expression += f"({_CONVERTERS[type_name].expression}){re.escape(static)}"
        shape += f"{{:{type_name}}}{static}"
    return PathPattern(
        path=normal,
        shape=shape,
        names=names,
        converters=tuple(_CONVERTERS[type_name] for _, type_name in parameters),
        expression=re.compile(expression, re.DOTALL),
        precedence=_precedence(normal),
    )


def _check_braces(path: str, static_texts: list[str]) -> None:
    if any("{" in text or "}" in text for text in static_texts):
        raise RouteDefinitionError(
            f"Path {path!r} has a brace without its partner. Write parameters as {{name}}."
        )


def _parse_parameter(path: str, text: str) -> tuple[str, str]:
    name, _, type_name = text.partition(":")
    if not name.isidentifier():
        raise RouteDefinitionError(
            f"Path {path!r}: {name!r} cannot be a parameter name. Use letters, digits and _."
        )
    type_name = type_name or "str"
    if type_name not in _CONVERTERS:
        raise RouteDefinitionError(
            f"Path {path!r}: unknown type {type_name!r} of {name!r}. "
            f"Use one of {', '.join(_CONVERTERS)}."
        )
    return name, type_name


def _precedence(path: str) -> tuple[int, tuple[int, ...]]:
    segments = path.split("/")[1:]
    return -len(segments), tuple(_segment_rank(segment) for segment in segments)


def _segment_rank(segment: str) -> int:
    types = [text.partition(":")[2] or "str" for text in _PARAMETER.findall(segment)]
    return max((_CONVERTERS[name].rank for name in types), default=_STATIC_RANK)
