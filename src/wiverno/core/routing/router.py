"""Router: where views are registered, by decorator or by call."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.http.paths import normalize_path
from wiverno.core.requests import Request
from wiverno.core.routing.table import Route, RouteTable

Handler = Callable[[Request], Any]
_HandlerT = TypeVar("_HandlerT", bound=Handler)


class RouteInfo(TypedDict):
    """One entry of `Router.get_routes()`."""

    path: str
    handler: Handler
    methods: list[str] | None


class Router:
    """A group of routes, to be included in an application or another router.

    >>> router = Router()
    >>> @router.get("/users/{id:int}")
    ... def show_user(request):
    ...     return f"user {request.path_params['id']}"
    """

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._table = RouteTable()

    def add_route(self, path: str, handler: Handler, methods: Sequence[str] | None = None) -> None:
        """Let `handler` answer `path`; without `methods`, for every method.

        Raises `RouteDefinitionError`, and `RouteConflictError` for the same path and method.
        """
        route = Route(normalize_path(path), handler, _checked_methods(path, methods))
        self._table.add(route)
        self._routes.append(route)

    def include_router(self, router: "Router", prefix: str = "") -> None:
        """Take over the routes that `router` has now, each below `prefix`."""
        for route in list(router._routes):
            path = f"{prefix.rstrip('/')}/{route.path.lstrip('/')}"
            self.add_route(path, route.handler, route.methods)

    def get_routes(self) -> list[RouteInfo]:
        """The routes in the order of their registration."""
        return [
            {
                "path": route.path,
                "handler": route.handler,
                "methods": None if route.methods is None else list(route.methods),
            }
            for route in self._routes
        ]

    def route(
        self, path: str, methods: Sequence[str] | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Decorator form of `add_route`."""

        def register(handler: _HandlerT) -> _HandlerT:
            self.add_route(path, handler, methods)
            return handler

        return register

    def get(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer GET, and HEAD with it."""
        return self.route(path, ["GET"])

    def post(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer POST."""
        return self.route(path, ["POST"])

    def put(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PUT."""
        return self.route(path, ["PUT"])

    def patch(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PATCH."""
        return self.route(path, ["PATCH"])

    def delete(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer DELETE."""
        return self.route(path, ["DELETE"])

    def head(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer HEAD, before a GET route of the same path does."""
        return self.route(path, ["HEAD"])

    def options(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer OPTIONS."""
        return self.route(path, ["OPTIONS"])

    def trace(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer TRACE."""
        return self.route(path, ["TRACE"])

    def connect(self, path: str) -> Callable[[_HandlerT], _HandlerT]:
        """Answer CONNECT."""
        return self.route(path, ["CONNECT"])


def _checked_methods(path: str, methods: Sequence[str] | None) -> tuple[str, ...] | None:
    if methods is None:
        return None
    if isinstance(methods, str) or not methods:
        raise RouteDefinitionError(
            f"methods={methods!r} of path {path!r} is not a list of methods. "
            "Write ['GET', 'POST'], or leave it out to answer every method."
        )
    return tuple(dict.fromkeys(method.upper() for method in methods))
