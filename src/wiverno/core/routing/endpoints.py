"""Endpoints: all routes that match the same paths, by method."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wiverno.core.exceptions import RouteConflictError
from wiverno.core.routing.routes import Route

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})

# RFC 9110 9.3 and RFC 5789. A route for every method is entered under each of them, so that
# one lookup finds it; other methods take the longer way.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

# A static route comes with its parameters, of which it has none, a dynamic one with the names
# of those that it gets: `{id}` for GET may be `{name}` for POST.
Target = tuple[Route, Any]


class Endpoint:
    """The routes of one shape."""

    __slots__ = ("by_method", "every_method", "routes")

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.by_method: dict[str, Target] = {}
        self.every_method: Target | None = None

    def check(self, route: Route) -> None:
        """Raise `RouteConflictError` if a method of `route` is taken."""
        if self.every_method is not None or (route.methods is None and self.routes):
            taken: str | None = "Every method of"
        else:
            taken = next((each for each in route.methods or () if each in self.routes), None)
        if taken:
            raise RouteConflictError(
                f"{taken} {route.path!r} has two views. Remove one, or give them different methods."
            )

    def add(self, route: Route) -> None:
        """Take in a route that was checked."""
        target = (route, route.pattern.names or NO_PARAMS)
        if route.methods is None:
            self.every_method = target
        else:
            self.routes.update(dict.fromkeys(route.methods, route))
        targets = dict.fromkeys(route.methods or METHODS, target)
        # RFC 9110 9.3.2: HEAD is GET without the content, so every GET route answers it.
        if "GET" in targets and "HEAD" not in self.routes:
            targets["HEAD"] = target
        # At once, for the threads that are reading it.
        self.by_method.update(targets)

    def target(self, method: str) -> Target | None:
        """The route for `method`, with its names."""
        return self.by_method.get(method) or self.every_method
