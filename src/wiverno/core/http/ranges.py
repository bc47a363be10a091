"""Which bytes of a file a Range header asks for (RFC 9110 section 14)."""

import re
from enum import Enum

_INT_RANGE = re.compile(r"([0-9]+)-([0-9]*)")
_SUFFIX_RANGE = re.compile(r"-([0-9]+)")
# Numbers with more digits lie behind the end of every file; Python refuses to read some of them.
_MAX_DIGITS = 19


class Unsatisfiable(Enum):
    """The header is a valid one, and nothing it asks for exists: to be answered with 416."""

    UNSATISFIABLE = "unsatisfiable"


UNSATISFIABLE = Unsatisfiable.UNSATISFIABLE


def requested_range(header: str, size_bytes: int) -> range | Unsatisfiable | None:
    """The one range of bytes to send, or None: then the whole is sent.

    None for another unit, for a header that is not valid, and for several ranges, which
    RFC 9110 14.2 lets a server answer with the whole.

    >>> requested_range("bytes=-3", 10)
    range(7, 10)
    """
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    found = [_bounds(spec.strip(" \t"), size_bytes) for spec in specs.split(",") if spec.strip()]
    if not found or None in found:
        return None
    satisfiable = [each for each in found if each]
    if not satisfiable:
        # A suffix of an empty file can be satisfied, but Content-Range cannot say so.
        return None if size_bytes == 0 and _asks_for_a_suffix(specs) else UNSATISFIABLE
    return satisfiable[0] if len(found) == 1 else None


def _bounds(spec: str, size_bytes: int) -> range | None:
    """The bytes that there are of one range, perhaps none; None: not a range."""
    if match := _SUFFIX_RANGE.fullmatch(spec):
        return range(max(0, size_bytes - _number(match[1])), size_bytes)
    match = _INT_RANGE.fullmatch(spec)
    if match is None:
        return None
    first = _number(match[1])
    if not match[2]:
        return range(first, size_bytes)
    last = _number(match[2])
    # RFC 9110 14.1.1: with the last before the first, the range is not valid.
    return None if last < first else range(first, min(last + 1, size_bytes))


def _asks_for_a_suffix(specs: str) -> bool:
    return any(
        match and _number(match[1])
        for match in map(_SUFFIX_RANGE.fullmatch, (spec.strip(" \t") for spec in specs.split(",")))
    )


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MAX_DIGITS else 10**_MAX_DIGITS
