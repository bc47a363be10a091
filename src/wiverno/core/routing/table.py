"""The route table: the rules of which route wins, and when two of them collide."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wiverno.core.exceptions import RouteConflictError
from wiverno.core.routing.patterns import PathPattern, parse_pattern

_ANY_METHOD = "*"


@dataclass(frozen=True, slots=True)
class Route:
    """One registration; `methods=None` answers every method."""

    path: str
    handler: Any
    methods: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The view for a request, with the values of its path."""

    handler: Any
    path_params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MethodMismatch:
    """The path exists, but not for this method."""

    allowed: tuple[str, ...]


@dataclass(slots=True)
class _Endpoint:
    """All routes of one shape. Names differ per method: `{id}` for GET, `{name}` for POST."""

    pattern: PathPattern
    by_method: dict[str, tuple[Any, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, route: Route, names: tuple[str, ...]) -> None:
        methods = route.methods or (_ANY_METHOD,)
        taken = self._taken(methods)
        if taken:
            raise RouteConflictError(
                f"{taken} {route.path!r} has two views. Remove one, or give them different methods."
            )
        for method in methods:
            self.by_method[method] = (route.handler, names)

    def find(self, method: str) -> tuple[Any, tuple[str, ...]] | None:
        routes = self.by_method
        # RFC 9110 9.3.2: HEAD is GET without the content, so every GET route answers it.
        fallback = routes.get("GET") if method == "HEAD" else None
        return routes.get(method) or fallback or routes.get(_ANY_METHOD)

    def allowed(self) -> Iterator[str]:
        yield from self.by_method
        if "GET" in self.by_method:
            yield "HEAD"

    def _taken(self, methods: tuple[str, ...]) -> str | None:
        if self.by_method and (_ANY_METHOD in methods or _ANY_METHOD in self.by_method):
            return "Every method of"
        return next((method for method in methods if method in self.by_method), None)


class RouteTable:
    """Finds the view for a path and method.

    Static paths win over dynamic ones, then more segments win, then the narrower type
    (`int` before `str` before `path`). A route that has the path but not the method does
    not hide a later one that has both.
    """

    def __init__(self) -> None:
        self._static: dict[str, _Endpoint] = {}
        self._dynamic: list[_Endpoint] = []

    def add(self, route: Route) -> None:
        """Take a route in. Raises `RouteConflictError` for the same path and method."""
        pattern = parse_pattern(route.path)
        endpoint = self._endpoint_of(pattern)
        endpoint.add(route, pattern.names)

    def find(self, path: str, method: str) -> RouteMatch | MethodMismatch | None:
        """Look up a normalized path; None if no route has it, whatever the method."""
        allowed: set[str] = set()
        for endpoint, values in self._candidates(path):
            found = endpoint.find(method)
            if found is not None:
                handler, names = found
                return RouteMatch(handler, dict(zip(names, values, strict=True)))
            allowed.update(endpoint.allowed())
        if not allowed:
            return None
        return MethodMismatch(tuple(sorted(allowed)))

    def _endpoint_of(self, pattern: PathPattern) -> _Endpoint:
        if pattern.is_static:
            return self._static.setdefault(pattern.path, _Endpoint(pattern))
        for endpoint in self._dynamic:
            if endpoint.pattern.shape == pattern.shape:
                return endpoint
        endpoint = _Endpoint(pattern)
        insort(self._dynamic, endpoint, key=lambda known: known.pattern.precedence)
        return endpoint

    def _candidates(self, path: str) -> Iterator[tuple[_Endpoint, tuple[Any, ...]]]:
        static = self._static.get(path)
        if static is not None:
            yield static, ()
        for endpoint in self._dynamic:
            values = endpoint.pattern.match(path)
            if values is not None:
                yield endpoint, values
