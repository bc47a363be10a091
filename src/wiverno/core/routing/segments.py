"""Segments: what may stand between two slashes of a pattern, and what it matches.

Matching is linear but for segments with several parameters. Those can be split in several
ways, so `check_segment` refuses the ones that would take long to split, and `MOST_SPLIT`
bounds the rest.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.routing.converters import FLOAT, INT, MOST_DIGITS, PATH, STR, Converter, Rank

Values = tuple[Any, ...]
Matcher = Callable[[str], Values | None]

# Characters in a segment that two or more parameters share; a longer one matches nothing.
# Two parameters of text are tried at every split, n² steps. File names end at 255 as well.
MOST_SPLIT = 255

_PARAMETER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Segment:
    """Static texts and parameters in turn; `texts` has one more than `names`."""

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    converters: tuple[Converter, ...] = ()

    @property
    def shape(self) -> tuple[tuple[str, ...], tuple[Converter, ...]]:
        """What it matches: two segments that differ in their names only have one shape."""
        return self.texts, self.converters

    @property
    def rank(self) -> Rank:
        """That of its widest parameter."""
        return max((each.rank for each in self.converters), default=Rank.STATIC)

    @property
    def static_size(self) -> int:
        """Characters that stand fast."""
        return sum(map(len, self.texts))

    def matcher(self) -> Matcher:
        """What takes a text to the values of the parameters, or to None if it does not fit."""
        if not self.names:
            return partial(_match_static, self.texts[0])
        if len(self.names) > 1:
            return partial(_match_several, self.expression().fullmatch, self.converters)
        if self.static_size:
            return partial(_match_between, self.texts[0], self.texts[1], self.converters[0].convert)
        by_type = {INT: _match_int, STR: _match_str, PATH: _match_str}
        converter = self.converters[0]
        return by_type.get(converter) or partial(_match_whole, converter.convert)

    def build(self, texts: Mapping[str, str]) -> str:
        """The segment with the text of each parameter in its place."""
        pairs = zip(self.names, self.texts[1:], strict=True)
        return self.texts[0] + "".join([texts[name] + static for name, static in pairs])

    def expression(self) -> re.Pattern[str]:
        """What matches it, with a group for each parameter."""
        pairs = zip(self.converters, self.texts[1:], strict=True)
        behind = [f"({each.expression}){re.escape(static)}" for each, static in pairs]
        return re.compile(re.escape(self.texts[0]) + "".join(behind), re.DOTALL)


def parse_segment(text: str, path: str, converters: Mapping[str, Converter]) -> Segment:
    """Read one segment of `path`. Raises `RouteDefinitionError`."""
    # `split` with one group alternates: static text, parameter, static text, ...
    parts = _PARAMETER.split(text)
    if any("{" in static or "}" in static for static in parts[::2]):
        raise RouteDefinitionError(
            f"Path {path!r} has a brace without its partner. Write parameters as {{name}}."
        )
    parameters = [_parse_parameter(each, path, converters) for each in parts[1::2]]
    segment = Segment(
        tuple(parts[::2]),
        tuple(name for name, _ in parameters),
        tuple(converter for _, converter in parameters),
    )
    _check_segment(segment, text, path)
    return segment


def _parse_parameter(
    text: str, path: str, converters: Mapping[str, Converter]
) -> tuple[str, Converter]:
    name, _, type_name = text.partition(":")
    if not name.isidentifier():
        raise RouteDefinitionError(
            f"Path {path!r}: {name!r} cannot be a parameter name. Use letters, digits and _."
        )
    converter = converters.get(type_name or "str")
    if converter is None:
        raise RouteDefinitionError(
            f"Path {path!r}: unknown type {type_name!r} of {name!r}. "
            f"Use one of {', '.join(converters)}. Others are made with add_converter()."
        )
    return name, converter


def _check_segment(segment: Segment, text: str, path: str) -> None:
    """Refuse what could be split in so many ways that a request could make it slow."""
    if len(segment.names) < 2:
        return
    problem = _trouble(segment)
    if problem:
        raise RouteDefinitionError(f"Path {path!r}: in {text!r} {problem}")


def _trouble(segment: Segment) -> str | None:
    first, second = segment.names[:2]
    if PATH in segment.converters:
        return (
            "a path parameter shares its segment with another parameter. "
            f"Put a slash between {first!r} and {second!r}."
        )
    inner = zip(segment.names, segment.converters, segment.texts[1:-1], strict=False)
    for name, converter, behind in inner:
        if not behind:
            return (
                f"nothing stands behind {name!r}, so nobody could tell where the next parameter "
                "begins. Put a slash or other text between them."
            )
        # Digits that are followed by something else end in one place only.
        if (converter is INT and behind[0].isdigit()) or (
            converter is FLOAT and (behind[0].isdigit() or behind[0] == ".")
        ):
            return (
                f"{behind!r} behind the number {name!r} could be part of it. "
                "Begin that text with another character."
            )
    if sum(each.rank >= Rank.OWN for each in segment.converters) > 2:
        return (
            "there are more than two parameters of text. Take one apart in the view, "
            "or put slashes between them."
        )
    return None


def _match_static(static: str, text: str) -> Values | None:
    return () if text == static else None


def _match_str(text: str) -> Values | None:
    return (text,) if text else None


def _match_int(text: str) -> Values | None:
    # Most are digits only, which is faster to see than an expression.
    if text.isdigit() and text.isascii() and len(text) <= MOST_DIGITS:
        return (int(text),)
    return _match_whole(INT.convert, text) if text[:1] == "-" else None


def _match_whole(convert: Callable[[str], Any], text: str) -> Values | None:
    if not text:
        return None
    try:
        return (convert(text),)
    except ValueError:
        return None


def _match_between(
    before: str, behind: str, convert: Callable[[str], Any], text: str
) -> Values | None:
    end = len(text) - len(behind)
    # One character at least is the parameter's; before and behind may not overlap.
    if end <= len(before) or not text.startswith(before) or not text.endswith(behind):
        return None
    try:
        return (convert(text[len(before) : end]),)
    except ValueError:
        return None


def _match_several(
    match: Callable[[str], re.Match[str] | None], converters: tuple[Converter, ...], text: str
) -> Values | None:
    if len(text) > MOST_SPLIT:
        return None
    found = match(text)
    if found is None:
        return None
    # An own converter gets what `str` would get; that it refuses it is no reason to look for
    # another split, which would make the time depend on it.
    pairs = zip(converters, found.groups(), strict=True)
    try:
        return tuple([converter.convert(part) for converter, part in pairs])
    except ValueError:
        return None
