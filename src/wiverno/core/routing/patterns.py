"""Path patterns: `/users/{id:int}` read into segments, and the rules for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.http.paths import normalize_path
from wiverno.core.routing.converters import BUILT_IN, PATH, Converter
from wiverno.core.routing.segments import Segment, parse_segment

# Paths are cut into no more than that, however many slashes a client sends.
MOST_SEGMENTS = 250


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A route's path. Two patterns of one `shape` match exactly the same paths."""

    path: str
    segments: tuple[Segment, ...]

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shapes of its segments."""
        return tuple(segment.shape for segment in self.segments)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters from left to right."""
        return tuple(name for segment in self.segments for name in segment.names)

    @property
    def is_static(self) -> bool:
        """Whether the pattern matches one path only."""
        return not self.names

    @property
    def rest_index(self) -> int | None:
        """Which segment has the `path` parameter, None if there is none."""
        with_rest = (i for i, each in enumerate(self.segments) if PATH in each.converters)
        return next(with_rest, None)

    def below(self, prefix: "PathPattern") -> "PathPattern":
        """This pattern behind `prefix`. Raises `RouteDefinitionError`."""
        # The root is the path without segments, and adds nothing on either side.
        path = "".join(each.path for each in (prefix, self) if each.segments) or "/"
        return _checked(PathPattern(path, prefix.segments + self.segments))


def parse_pattern(path: str, converters: Mapping[str, Converter] = BUILT_IN) -> PathPattern:
    """Read a path with `{name}` and `{name:type}`, the types being those of `converters`.

    Raises `RouteDefinitionError`.
    """
    normal = normalize_path(path)
    texts = normal[1:].split("/") if normal != "/" else []
    segments = tuple(parse_segment(text, path, converters) for text in texts)
    return _checked(PathPattern(normal, segments), path)


def _checked(pattern: PathPattern, written: str | None = None) -> PathPattern:
    path = written or pattern.path
    if len(pattern.segments) > MOST_SEGMENTS:
        raise RouteDefinitionError(
            f"Path {path!r} has {len(pattern.segments)} segments. Use {MOST_SEGMENTS} at most, "
            "or a parameter of the type path."
        )
    names = pattern.names
    if len(set(names)) != len(names):
        raise RouteDefinitionError(f"Path {path!r} uses a parameter name twice. Rename one.")
    rests = [
        name
        for segment in pattern.segments
        for name, converter in zip(segment.names, segment.converters, strict=True)
        if converter is PATH
    ]
    if len(rests) > 1:
        raise RouteDefinitionError(
            f"Path {path!r}: {rests[0]!r} and {rests[1]!r} are both of the type path, and nobody "
            "could tell where one ends. Let one be {name}, or take it apart in the view."
        )
    return pattern
