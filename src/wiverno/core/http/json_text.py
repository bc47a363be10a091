"""JSON out of a request body, as RFC 8259 has it and no wider."""

import json
import re
import sys
from math import isfinite
from typing import Any

from wiverno.core.exceptions import RequestBodyError

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


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; `{}` for an empty one.

    Raises `RequestBodyError`, which names line and column, for what is no JSON in UTF-8, for
    NaN and numbers too large for Python, and for values nested too deep for it.
    """
    if not body:
        return {}
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        problem = f"line {line} is not UTF-8 (byte {error.start} of the body)"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "its values are nested too deep"
    except ValueError:
        # Of an integer, Python raises it by itself, without the place.
        problem = _number_problem(body.decode("utf-8-sig"))
    # Here, so that the error keeps no reference to one that holds the whole body.
    raise RequestBodyError(f"The request body is not valid JSON: {problem}.")


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


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite_float)
