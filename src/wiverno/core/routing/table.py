"""The route table: the rules of which route wins, and when two of them collide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from wiverno.core.routing.endpoints import NO_PARAMS, Endpoint, Target
from wiverno.core.routing.patterns import MOST_SEGMENTS, PathPattern
from wiverno.core.routing.routes import Route
from wiverno.core.routing.segments import Values
from wiverno.core.routing.tree import (
    Node,
    SegmentOrder,
    Tail,
    reached,
)

RouteMatch = tuple[Route, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MethodMismatch:
    """The path exists, but not for this method."""

    allowed: tuple[str, ...]


class RouteTable:
    """Finds the route for a path and method.

    Static paths win over dynamic ones. Among these the segments are compared from the left:
    static text before `int` before `float` before own types before `str`; of one type, the
    segment with more static text beside it; then the one that was registered first.
    Patterns with a `path` parameter come last: more segments first, then the same rules.
    A route that has the path but not the method does not hide a later one that has both.

    `static` is for the caller in a hurry: `table.static[path][method]` is what `find` would
    give, where there is one; where there is none, only `find` knows what it means.

    Routes may be added while other threads search.
    """

    def __init__(self) -> None:
        self.static: dict[str, dict[str, Target]] = {}
        self._endpoints: dict[Any, Endpoint] = {}
        self._first_seen: dict[tuple[Any, ...], int] = {}
        # One for patterns without a `path` parameter, one for the prefixes of those with it.
        # Both begin with the empty text before the first slash, so that paths are split only.
        self._whole, self._prefixes = Node(), Node()
        # The nodes of `_whole` that static text alone leads to, by that text.
        self._behind: dict[str, Node] = {}
        self._lock = Lock()

    def check(self, route: Route) -> None:
        """Raise `RouteConflictError` if another route has its path and method."""
        endpoint = self._endpoints.get(_key(route.pattern))
        if endpoint is not None:
            endpoint.check(route)

    def add(self, route: Route) -> None:
        """Take a route in. Raises `RouteConflictError` for the same path and method."""
        key = _key(route.pattern)
        with self._lock:
            self.check(route)
            endpoint = self._endpoints.get(key)
            if endpoint is not None:
                endpoint.add(route)
                return
            endpoint = Endpoint()
            endpoint.add(route)
            self._endpoints[key] = endpoint
            self._link(route.pattern, endpoint)

    def find(self, path: str, method: str) -> RouteMatch | MethodMismatch | None:
        """Look up a normalized path; None if no route has it, whatever the method.

        The parameters of a dynamic route are a new dict, those of a static one are shared
        and cannot be changed.
        """
        by_method = self.static.get(path)
        target = self._first_way(path, method) if by_method is None else by_method.get(method)
        return target or self._search(path, method)

    def _first_way(self, path: str, method: str) -> RouteMatch | None:
        """Follow the first edge that fits, and give up where none does.

        That is the way that `_search` would try first, without remembering the others.
        """
        head, _, last = path.rpartition("/")
        node = self._behind.get(head)
        segments = [last] if node is not None else path.split("/", MOST_SEGMENTS + 1)
        node = node or self._whole
        values: Values = ()
        for segment in segments:
            child = node.static.get(segment)
            if child is None:
                for match, wider in node.edges:
                    found = match(segment)
                    if found is not None:
                        values += found
                        child = wider
                        break
                else:
                    return None
            node = child
        endpoint = node.endpoint
        target = None if endpoint is None else endpoint.by_method.get(method)
        if target is None:
            return None
        route, names = target
        if len(values) == 1:
            return route, {names[0]: values[0]}
        # There are as many, by the shape. To say `strict` takes as long as the rest of it.
        return route, dict(zip(names, values))  # noqa: B905

    def _search(self, path: str, method: str) -> RouteMatch | MethodMismatch | None:
        allowed: set[str] = set()
        for endpoint, values in self._candidates(path):
            target = endpoint.target(method)
            if target is not None:
                route, names = target
                return route, dict(zip(names, values, strict=True)) if values else NO_PARAMS
            allowed.update(endpoint.by_method)
        if not allowed:
            return None
        return MethodMismatch(tuple(sorted(allowed)))

    def _candidates(self, path: str) -> Iterator[tuple[Endpoint, Values]]:
        """Every endpoint that has the path, in order."""
        static = self._endpoints.get(path)
        if static is not None:
            yield static, ()
        segments = path.split("/", MOST_SEGMENTS + 1)
        for node, depth, values in reached(self._whole, segments):
            if depth == len(segments) and node.endpoint is not None:
                yield node.endpoint, values
        yield from self._with_rest(path)

    def _with_rest(self, path: str) -> Iterator[tuple[Endpoint, Values]]:
        if not self._prefixes.static:
            return
        segments = path.split("/", MOST_SEGMENTS + 1)
        tails = []
        for node, depth, values in reached(self._prefixes, segments):
            tails += [(tail, depth, values) for tail in node.tails]
        if len(tails) > 1:
            tails.sort(key=lambda each: each[0].order)
        for tail, depth, values in tails:
            more = tail.match("/".join(segments[depth:])) if depth < len(segments) else None
            if more is not None:
                yield tail.endpoint, values + more

    def _link(self, pattern: PathPattern, endpoint: Endpoint) -> None:
        if pattern.is_static:
            self.static[pattern.path] = endpoint.by_method
            return
        orders = self._orders(pattern)
        rest = pattern.rest_index
        top = self._whole if rest is None else self._prefixes
        node = top.static.setdefault("", Node())
        text: str | None = ""
        for segment, order in zip(pattern.segments[:rest], orders, strict=False):
            if rest is None and text is not None:
                self._behind[text] = node
            text = f"{text}/{segment.texts[0]}" if text is not None and not segment.names else None
            node = node.child(segment, order)
        if rest is None:
            node.endpoint = endpoint
            return
        matchers = [each.matcher() for each in pattern.segments[rest:]]
        tail = Tail((-len(orders), orders), endpoint, matchers[0], tuple(matchers[1:]))
        node.tails = (*node.tails, tail)

    def _orders(self, pattern: PathPattern) -> tuple[SegmentOrder, ...]:
        seen, shape = self._first_seen, pattern.shape
        # As far as two patterns are alike they rank alike: what counts is which beginning
        # came first.
        came = [seen.setdefault(shape[: i + 1], len(seen)) for i in range(len(shape))]
        return tuple(
            (segment.rank, -segment.static_size, first)
            for segment, first in zip(pattern.segments, came, strict=True)
        )


def _key(pattern: PathPattern) -> Any:
    return pattern.path if pattern.is_static else pattern.shape
