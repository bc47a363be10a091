"""The route table as one would explain it: every pattern tried, the sorted first one wins.

Nothing here is shared with `wiverno.core.routing`, and nothing is fast.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
RANKS = {"int": 1, "float": 2, "own": 3, "str": 4, "path": 5}
LONGEST_SHARED = 255


def hexadecimal(text: str) -> int:
    """An own type of parameters, narrower than `str`."""
    if re.fullmatch("[0-9a-f]+", text) is None:
        raise ValueError(text)
    return int(text[:100], 16)


CONVERT: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "own": hexadecimal,
    "str": str,
    "path": str,
}
FITS = {
    "int": re.compile("-?[0-9]{1,300}"),
    "float": re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?"),
    "own": re.compile(".+", re.DOTALL),
    "str": re.compile(".+", re.DOTALL),
    "path": re.compile(".+", re.DOTALL),
}

Values = dict[str, Any]


@dataclass
class Steps:
    """How often a parameter was given a try."""

    count: int = 0


def splits(parts: Sequence[str | tuple[str, str]], text: str, steps: Steps) -> Iterator[list[str]]:
    """All ways to share `text` among static texts and parameters, first parameters longest."""
    if not parts:
        if not text:
            yield []
        return
    first, rest = parts[0], parts[1:]
    if isinstance(first, str):
        if text.startswith(first):
            yield from splits(rest, text[len(first) :], steps)
        return
    for end in range(len(text), 0, -1):
        # What follows is looked at first: this is how an expression goes back.
        if rest and isinstance(rest[0], str) and not text.startswith(rest[0], end):
            continue
        if not rest and end < len(text):
            return
        steps.count += 1
        if FITS[first[1]].fullmatch(text[:end]):
            for others in splits(rest, text[end:], steps):
                yield [text[:end], *others]


def match_segment(segment: str, text: str, steps: Steps | None = None) -> Values | None:
    parts: list[str | tuple[str, str]] = []
    at = 0
    for found in PARAMETER.finditer(segment):
        parts += [segment[at : found.start()], (found[1], found[2] or "str")]
        at = found.end()
    parts = [part for part in (*parts, segment[at:]) if part]
    parameters = [part for part in parts if isinstance(part, tuple)]
    if len(parameters) > 1 and len(text) > LONGEST_SHARED:
        return None
    taken = next(splits(parts, text, steps or Steps()), None)
    if taken is None:
        return None
    try:
        return {
            name: CONVERT[kind](value)
            for (name, kind), value in zip(parameters, taken, strict=True)
        }
    except ValueError:
        return None


def segments_of(pattern: str) -> list[str]:
    return [] if pattern == "/" else pattern[1:].split("/")


def is_rest(segment: str) -> bool:
    return any(found[2] == "path" for found in PARAMETER.finditer(segment))


def match(pattern: str, path: str) -> Values | None:
    """The values if `pattern` has `path`, both being spelled with one slash before."""
    expected, given = segments_of(pattern), segments_of(path)
    rest = next((i for i, each in enumerate(expected) if is_rest(each)), None)
    if rest is not None:
        behind = len(expected) - rest - 1
        end = len(given) - behind
        if end <= rest:
            return None
        given = [*given[:rest], "/".join(given[rest:end]), *given[end:]]
    if len(expected) != len(given):
        return None
    values: Values = {}
    for segment, text in zip(expected, given, strict=True):
        found = match_segment(segment, text)
        if found is None:
            return None
        values.update(found)
    return values


def shape(pattern: str) -> tuple[str, ...]:
    """The pattern without the names."""
    return tuple(
        PARAMETER.sub(lambda found: f"{{:{found[2] or 'str'}}}", segment)
        for segment in segments_of(pattern)
    )


def order(pattern: str, registered: Sequence[str]) -> tuple[Any, ...]:
    """What the documented order compares."""
    own, shapes = shape(pattern), [shape(each) for each in registered]
    ranks = []
    for i, segment in enumerate(segments_of(pattern)):
        kinds = [RANKS[found[2] or "str"] for found in PARAMETER.finditer(segment)]
        first = next(n for n, each in enumerate(shapes) if each[: i + 1] == own[: i + 1])
        ranks.append((max(kinds, default=0), -len(PARAMETER.sub("", segment)), first))
    if not PARAMETER.search(pattern):
        return (0, ranks)
    if any(is_rest(segment) for segment in segments_of(pattern)):
        return (2, -len(ranks), ranks)
    return (1, ranks)


Registration = tuple[str, tuple[str, ...] | None]


def collides(new: Registration, known: Sequence[Registration]) -> bool:
    return any(
        shape(new[0]) == shape(each[0])
        and (new[1] is None or each[1] is None or set(new[1]) & set(each[1]))
        for each in known
    )


def find(
    routes: Sequence[Registration], path: str, method: str
) -> tuple[Registration, Values] | set[str] | None:
    """The route and its values; the methods there are; None."""
    patterns = [each[0] for each in routes]
    shapes = sorted({shape(each): order(each, patterns) for each in patterns}.items(), key=_second)
    allowed: set[str] = set()
    for candidate, _ in shapes:
        alike = [each for each in routes if shape(each[0]) == candidate]
        if match(alike[0][0], path) is None:
            continue
        methods = {each: route for route in alike for each in route[1] or (method,)}
        if "GET" in methods:
            methods.setdefault("HEAD", methods["GET"])
        if method in methods:
            values = match(methods[method][0], path)
            assert values is not None
            return methods[method], values
        allowed |= set(methods)
    return allowed or None


def _second(pair: tuple[Any, Any]) -> Any:
    return pair[1]
