"""JSON out of a request body, as RFC 8259 has it and no wider."""

import json
import re
import sys
from math import isfinite
from typing import Any

from wiverno.core.exceptions import RequestBodyError

MAX_DEPTH = 256
"""Lists and objects within each other. What Python reads without a limit of ours depends on its
version and on how deep the caller is, and what it has just read, it often can neither copy nor
write again. Documents of people have some ten levels."""

# A number as the decoder reads it, which goes no further: `1e999` of `1e999--`.
_STRING_OR_NUMBER = re.compile(
    r"""
    "(?:[^"\\]++|\\.)*+"
    | (?P<number>
        -?(?: (?:0|[1-9][0-9]*+) (?:\.[0-9]++)? (?:[eE][-+]?[0-9]++)? | NaN | Infinity )
    )""",
    re.DOTALL | re.VERBOSE,
)


class _NumberError(ValueError):
    """A number that Python reads, or would, but that no view should meet."""


class _TextError(Exception):
    """A text that Python reads, but that no view should meet."""


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; `{}` for an empty one.

    Raises `RequestBodyError`, which names line and column, for what is no JSON in UTF-8, for
    NaN and numbers too large for Python, for more than `MAX_DEPTH` levels, and for half of a
    character (a lone surrogate, RFC 8259 8.2), which could not be written anywhere.
    """
    if not body:
        return {}
    try:
        return _decoded(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        problem = f"line {line} is not UTF-8 (byte {error.start} of the body)"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = _TOO_DEEP
    except _TextError as error:
        problem = str(error)
    except ValueError:
        # Of an integer, Python raises it by itself, without the place.
        problem = _number_problem(body.decode("utf-8-sig"))
    # Here, so that the error keeps no reference to one that holds the whole body.
    raise RequestBodyError(f"The request body is not valid JSON: {problem}.")


def _decoded(text: str) -> Any:
    value = _DECODER.decode(text)
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        raise _TextError(_TOO_DEEP)
    if "\\ud" in text or "\\uD" in text:
        _check_characters(value)
    return value


def _is_too_deep(value: Any) -> bool:
    """Level by level: a function that called itself would be as deep as the value."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise _TextError(f"the escape {half} is half of a character") from None


def _refuse_constant(name: str) -> float:
    raise _NumberError(name)


def _finite_float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise _NumberError(text)
    return value


def _number_problem(text: str) -> str:
    """Say where the first number is that was refused. What precedes it is well-formed."""
    for found in _STRING_OR_NUMBER.finditer(text):
        number = found["number"]
        if number is not None and _is_refused(number):
            place = found.start()
            line = text.count("\n", 0, place) + 1
            column = place - text.rfind("\n", 0, place)
            return f"the number {_shortened(number)} at line {line}, column {column} is refused"
    return "one of its numbers is refused"


def _is_refused(number: str) -> bool:
    digits = number.lstrip("-")
    if digits.isdigit():
        return 0 < sys.get_int_max_str_digits() < len(digits)
    return not isfinite(float(number))


def _shortened(number: str) -> str:
    return number if len(number) <= 20 else f"{number[:10]}... ({len(number)} characters)"


_TOO_DEEP = "its values are nested too deep"
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite_float)
