"""Converters: what `{name:type}` takes from a path, and how a value is written into one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Any


class Rank(IntEnum):
    """How narrow a segment is. Where two fit, the lower one wins."""

    STATIC = 0
    INT = 1
    FLOAT = 2
    OWN = 3
    STR = 4
    PATH = 5


@dataclass(frozen=True, slots=True, eq=False)
class Converter:
    """One type of parameter. Two are the same only if they are one object.

    `convert` gets text that is not empty and raises `ValueError` if it does not fit; the
    path is then not that route's. It may be called more than once for a request, so it must
    be quick and change nothing. `build` is its inverse, for `url_for`.
    """

    convert: Callable[[str], Any]
    build: Callable[[Any], str] = str
    rank: Rank = Rank.OWN
    # What it may take of a segment that it shares with another parameter.
    expression: str = ".+"


# Digits are bounded because int() refuses long ones and float() makes them infinite:
# a path that no such number fits is not found rather than an error.
MOST_DIGITS = 300
_INT = rf"-?[0-9]{{1,{MOST_DIGITS}}}"
_FLOAT = rf"{_INT}(?:\.[0-9]{{1,{MOST_DIGITS}}})?"
_is_int = re.compile(_INT).fullmatch
_is_float = re.compile(_FLOAT).fullmatch


def _to_int(text: str) -> int:
    if _is_int(text) is None:
        raise ValueError(f"{text!r} is not an int of a path")
    return int(text)


def _to_float(text: str) -> float:
    if _is_float(text) is None:
        raise ValueError(f"{text!r} is not a float of a path")
    return float(text)


def _from_float(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    # `repr` has the fewest digits that give the same float, but may write them as 1e-07.
    return format(Decimal(repr(value)), "f")


INT = Converter(_to_int, str, Rank.INT, _INT)
FLOAT = Converter(_to_float, _from_float, Rank.FLOAT, _FLOAT)
STR = Converter(str, str, Rank.STR)
PATH = Converter(str, str, Rank.PATH)

BUILT_IN: Mapping[str, Converter] = MappingProxyType(
    {"int": INT, "float": FLOAT, "str": STR, "path": PATH}
)
