"""Router: where views are registered, by decorator or by call."""

import re
from collections.abc import Callable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.requests import Request
from wiverno.core.routing.converters import BUILT_IN, Converter
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.routes import Hooks, Route
from wiverno.core.routing.table import RouteTable
from wiverno.core.routing.urls import build_url, unknown_name

if TYPE_CHECKING:
    from wiverno.core.responses import Response

Handler = Callable[[Request], Any]
# A class is called without arguments when it is registered, and what it makes is the handler.
_HandlerT = TypeVar("_HandlerT", bound=Handler | type[Any])
_BeforeT = TypeVar("_BeforeT", bound=Callable[[Request], Any])
_AfterT = TypeVar("_AfterT", bound="Callable[[Request, Response], Any]")

_CO_COROUTINE = 0x80
"""`inspect.CO_COROUTINE`."""


class RouteInfo(TypedDict):
    """One entry of `Router.get_routes()`."""

    path: str
    handler: Handler
    methods: list[str] | None


class Router:
    """A group of routes, to be included in an application or another router.

    `name` comes before the names of its routes where it is included: `blog.show`.

    >>> router = Router(name="blog")
    >>> @router.get("/posts/{id:int}")
    ... def show(request):
    ...     return f"post {request.path_params['id']}"
    >>> router.url_for("show", id=7)
    '/posts/7'
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._table = RouteTable()
        self._routes: list[Route] = []
        self._by_name: dict[str, list[Route]] = {}
        self._converters: dict[str, Converter] = dict(BUILT_IN)
        self._hooks = Hooks()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes in the order of their registration."""
        return tuple(self._routes)

    def get_routes(self) -> list[RouteInfo]:
        """The routes in the order of their registration, as plain values."""
        return [
            {
                "path": route.path,
                "handler": route.handler,
                "methods": None if route.methods is None else list(route.methods),
            }
            for route in self._routes
        ]

    def add_route(
        self,
        path: str,
        handler: Handler | type[Any],
        methods: Sequence[str] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        """Let `handler` answer `path`.

        Without `methods` it answers those of its attribute `allowed_methods`, if it has one,
        else every method. Its name for `url_for` is `name`, else that of the function or class.

        Raises `RouteDefinitionError`, and `RouteConflictError` for the same path and method.
        """
        pattern = parse_pattern(path, self._converters)
        view = _instance(path, handler) if isinstance(handler, type) else handler
        if not callable(view):
            raise RouteDefinitionError(
                f"The view of path {path!r} is {view!r}, which cannot be called. "
                "Give it a function that takes the request."
            )
        if _is_async(view):
            raise RouteDefinitionError(
                f"The view of path {path!r} is async, and WSGI has nobody to await it. "
                "Write def instead of async def."
            )
        if methods is None:
            methods = getattr(view, "allowed_methods", None)
        called = name or str(getattr(handler, "__name__", type(handler).__name__))
        self._add(Route(pattern, view, _checked_methods(path, methods), called, (self._hooks,)))

    def include_router(self, router: "Router", prefix: str = "") -> None:
        """Take over the routes that `router` has now, each below `prefix`, or none of them.

        They keep their types of parameters and their hooks, also hooks that `router` gets
        later; routes that it gets later are not taken over.

        Raises what `add_route` raises.
        """
        ahead = parse_pattern(prefix, self._converters)
        routes = [route.included(ahead, router.name, self._hooks) for route in router.routes]
        for route in routes:
            self._table.check(route)
        for route in routes:
            self._add(route)

    def add_converter(
        self, name: str, convert: Callable[[str], Any], build: Callable[[Any], str] = str
    ) -> None:
        """Let paths of this router that are registered from now on say `{parameter:name}`.

        `convert` takes the text of a segment, never an empty one, to the value, and raises
        `ValueError` if it does not fit: the path is then not that route's. It may be called
        more than once for a request. `build` is the inverse, for `url_for`.

        Raises `RouteDefinitionError`.

        >>> from uuid import UUID
        >>> router = Router()
        >>> router.add_converter("uuid", UUID)
        >>> router.add_route("/users/{id:uuid}", lambda request: "a user")
        """
        if not name.isidentifier():
            raise RouteDefinitionError(
                f"{name!r} cannot be a type of parameters. Use letters, digits and _."
            )
        if name in self._converters:
            raise RouteDefinitionError(f"The type {name!r} is there already. Choose another name.")
        self._converters[name] = Converter(convert, build)

    def before_request(self, hook: _BeforeT) -> _BeforeT:
        """Call `hook(request)` before the views of this router, whenever they were registered.

        What it returns, unless that is None, is the answer, and the view is not called. The
        routes taken over from other routers are included; their own hooks come after.
        """
        self._hooks.add_before(hook)
        return hook

    def after_request(self, hook: _AfterT) -> _AfterT:
        """Call `hook(request, response)` after the views of this router, and after their errors.

        It changes the `Response`, or returns another answer in its place. The last one that was
        registered runs first, and hooks of included routers before.
        """
        self._hooks.add_after(hook)
        return hook

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of the route `name` with `params` in it, percent-encoded (RFC 3986).

        Parameters that the path does not have become the query; a list repeats its name,
        None is left out. Raises `URLBuildError`, also if the path would not lead back to the
        route with the same values.
        """
        routes = self._by_name.get(name)
        if routes is None:
            raise unknown_name(name, self._by_name)
        return build_url(self._table, name, routes, params)

    def route(
        self, path: str, methods: Sequence[str] | None = None, *, name: str | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Decorator form of `add_route`."""

        def register(handler: _HandlerT) -> _HandlerT:
            self.add_route(path, handler, methods, name=name)
            return handler

        return register

    def get(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer GET, and HEAD with it."""
        return self.route(path, ["GET"], name=name)

    def post(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer POST."""
        return self.route(path, ["POST"], name=name)

    def put(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PUT."""
        return self.route(path, ["PUT"], name=name)

    def patch(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PATCH."""
        return self.route(path, ["PATCH"], name=name)

    def delete(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer DELETE."""
        return self.route(path, ["DELETE"], name=name)

    def head(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer HEAD, before a GET route of the same path does."""
        return self.route(path, ["HEAD"], name=name)

    def options(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer OPTIONS."""
        return self.route(path, ["OPTIONS"], name=name)

    def trace(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer TRACE."""
        return self.route(path, ["TRACE"], name=name)

    def connect(self, path: str, *, name: str | None = None) -> Callable[[_HandlerT], _HandlerT]:
        """Answer CONNECT."""
        return self.route(path, ["CONNECT"], name=name)

    def _add(self, route: Route) -> None:
        self._table.add(route)
        self._routes.append(route)
        self._by_name.setdefault(route.name, []).append(route)


def _is_async(view: Any) -> bool:
    # As `inspect.iscoroutinefunction`, whose module takes milliseconds to import.
    code = getattr(view, "__code__", None)
    return isinstance(code, CodeType) and bool(code.co_flags & _CO_COROUTINE)


def _instance(path: str, view: type[Any]) -> Any:
    try:
        return view()
    except TypeError as error:
        raise RouteDefinitionError(
            f"The view of path {path!r}, the class {view.__name__}, cannot be made without "
            f"arguments: {error}. Register an instance of it."
        ) from error


def _checked_methods(path: str, methods: Any) -> tuple[str, ...] | None:
    if methods is None:
        return None
    if isinstance(methods, str) or not methods or not all(map(_is_method, methods)):
        raise RouteDefinitionError(
            f"methods={methods!r} of path {path!r} is not a list of methods. "
            "Write ['GET', 'POST'], or leave it out to answer every method."
        )
    return tuple(dict.fromkeys(method.upper() for method in methods))


def _is_method(method: object) -> bool:
    # RFC 9110 9.1: a token. Of its characters, these are the ones that methods are made of.
    return isinstance(method, str) and re.fullmatch(r"[A-Za-z0-9_-]+", method) is not None
