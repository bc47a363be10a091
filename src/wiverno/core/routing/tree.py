"""The tree of dynamic patterns: one level per segment.

A search visits a node at most once, because one way only leads to it. So its time is bounded
by the number of routes, whatever the path, and nothing can make it go back and forth.

Readers hold no lock. What they can see is finished before it is linked, and `edges` and
`tails` are replaced, not changed.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wiverno.core.routing.endpoints import Endpoint
from wiverno.core.routing.segments import Matcher, Segment, Values

# Rank, static text (more is less), first registration.
SegmentOrder = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Tail:
    """What a pattern with a `path` parameter has from that segment on."""

    order: tuple[int, tuple[SegmentOrder, ...]]
    endpoint: Endpoint
    rest: Matcher
    behind: tuple[Matcher, ...]

    def match(self, text: str) -> Values | None:
        """The values in what is left of a path, a segment or more of it for the rest."""
        # The segments behind are counted from the right, so there is nothing to try out.
        rest, *behind = text.rsplit("/", len(self.behind))
        if len(behind) != len(self.behind):
            return None
        values = self.rest(rest)
        for match, segment in zip(self.behind, behind, strict=True):
            more = match(segment)
            if values is None or more is None:
                return None
            values += more
        return values


class Node:
    """All patterns that begin alike."""

    __slots__ = ("_orders", "_shapes", "edges", "endpoint", "static", "tails")

    def __init__(self) -> None:
        self.static: dict[str, Node] = {}
        # In the order in which they are to be tried.
        self.edges: tuple[tuple[Matcher, Node], ...] = ()
        self.endpoint: Endpoint | None = None
        self.tails: tuple[Tail, ...] = ()
        self._orders: list[SegmentOrder] = []
        self._shapes: dict[object, Node] = {}

    def child(self, segment: Segment, order: SegmentOrder) -> "Node":
        """The node behind `segment`, made where there is none."""
        if not segment.names:
            return self.static.setdefault(segment.texts[0], Node())
        shape = segment.shape
        if shape not in self._shapes:
            self._shapes[shape] = node = Node()
            edge = (segment.matcher(), node)
            at = bisect(self._orders, order)
            self._orders.insert(at, order)
            self.edges = (*self.edges[:at], edge, *self.edges[at:])
        return self._shapes[shape]


def reached(root: Node, segments: Sequence[str]) -> Iterator[tuple[Node, int, Values]]:
    """Every node that the beginning of a path leads to: it, its depth, the values so far.

    Depth first and narrow before wide, which is the order of the routes.
    """
    pending: list[tuple[Node, int, Values]] = [(root, 0, ())]
    while pending:
        node, depth, values = step = pending.pop()
        yield step
        if depth == len(segments):
            continue
        segment = segments[depth]
        for match, child in reversed(node.edges):
            found = match(segment)
            if found is not None:
                pending.append((child, depth + 1, values + found))
        static = node.static.get(segment)
        if static is not None:
            pending.append((static, depth + 1, values))
