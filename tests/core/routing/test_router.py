"""Router: what can be registered, what collides, and what travels along when it is included."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest

from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError
from wiverno.core.requests import Request
from wiverno.core.routing.router import Router


def _view(request: Request) -> str:
    return "view"


class _Pages:
    allowed_methods = ("GET", "PUT")

    def __call__(self, request: Request) -> str:
        return "pages"


class _Hook:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *about: object) -> str:
        return self.name


def _after(request: Request, response: object) -> None:
    """A hook that changes nothing."""


def _said(hooks: Iterable[Callable[..., Any]]) -> list[str]:
    return [hook(None) for hook in hooks]


def _names(router: Router) -> list[str]:
    return [route.name for route in router.routes]


@pytest.mark.parametrize(
    ("first", "second"),
    [("/users", "users/"), ("/u/{id}", "/u/{name:str}"), ("/", ""), ("/{a}/x", "/{b}/x/")],
)
def test_add_route_when_path_and_method_are_taken_is_a_conflict(first: str, second: str) -> None:
    router = Router()
    router.add_route(first, _view, ["GET", "POST"])

    with pytest.raises(RouteConflictError, match=r"POST .* has two views"):
        router.add_route(second, _view, ["PUT", "post"])
    router.add_route(second, _view, ["PUT"])  # Nothing of the refused one is left.

    assert len(router.routes) == 2


def test_add_route_when_one_of_two_answers_every_method_is_a_conflict() -> None:
    router = Router()
    router.add_route("/any", _view)
    router.get("/get")(_view)

    with pytest.raises(RouteConflictError, match="Every method of '/any' has two views"):
        router.get("/any")(_view)
    with pytest.raises(RouteConflictError, match="Every method of '/get' has two views"):
        router.add_route("/get", _view)


@pytest.mark.parametrize("methods", ["GET", [], (), [""], [7], ["GET POST"]])
def test_add_route_when_methods_are_no_list_says_so(methods: Any) -> None:
    with pytest.raises(RouteDefinitionError, match="is not a list of methods"):
        Router().add_route("/", _view, methods)


def test_add_route_when_the_view_cannot_be_called_says_so() -> None:
    view: Any = "users.show"

    with pytest.raises(RouteDefinitionError, match=r"'/x' is 'users.show', which cannot be called"):
        Router().add_route("/x", view)


def test_class_when_registered_is_instantiated_and_tells_its_methods() -> None:
    router = Router()

    assert router.route("/pages")(_Pages) is _Pages
    router.add_route("/instance", _Pages())
    router.add_route("/get", _Pages, ["GET"])

    assert [type(route.handler) for route in router.routes] == [_Pages] * 3
    assert [route.methods for route in router.routes] == [("GET", "PUT"), ("GET", "PUT"), ("GET",)]
    assert _names(router) == ["_Pages"] * 3


def test_class_when_it_needs_arguments_says_so() -> None:
    class Needy:
        def __init__(self, what: str) -> None:
            self.what = what

    with pytest.raises(RouteDefinitionError, match=r"class Needy, cannot be made .*'what'"):
        Router().add_route("/", Needy)


def test_get_routes_when_asked_lists_them_in_order() -> None:
    router = Router()
    router.get("/b/")(_view)
    router.route("/a", methods=["get", "POST", "GET"])(_view)
    router.add_route("/c", _view)

    assert router.get_routes() == [
        {"path": "/b", "handler": _view, "methods": ["GET"]},
        {"path": "/a", "handler": _view, "methods": ["GET", "POST"]},
        {"path": "/c", "handler": _view, "methods": None},
    ]


@pytest.mark.parametrize(
    ("prefix", "path", "joined"),
    [
        ("", "/a", "/a"),
        ("/", "/a", "/a"),
        ("api", "a", "/api/a"),
        ("/api/", "/a/", "/api/a"),
        ("/api", "/", "/api"),
        ("", "", "/"),
        ("/shops/{shop}", "/{id:int}", "/shops/{shop}/{id:int}"),
        ("/api", "//a", "/api//a"),
    ],
)
def test_include_router_when_prefixed_joins_the_paths(prefix: str, path: str, joined: str) -> None:
    inner, outer = Router(), Router()
    inner.get(path)(_view)
    outer.include_router(inner, prefix)

    assert [route["path"] for route in outer.get_routes()] == [joined]


def test_include_router_when_nested_adds_prefixes_and_names() -> None:
    inner, outer, router = Router("items"), Router(), Router("app")
    inner.get("/{id:int}")(_view)
    outer.include_router(inner, prefix="items")
    router.include_router(outer, prefix="/shops/{shop}")

    assert [route.path for route in router.routes] == ["/shops/{shop}/items/{id:int}"]
    assert _names(router) == ["items._view"]


def test_include_router_when_a_name_of_a_parameter_is_in_the_prefix_says_so() -> None:
    inner = Router()
    inner.get("/{id:int}")(_view)

    with pytest.raises(RouteDefinitionError, match=r"'/shops/{id}/{id:int}' uses a param"):
        Router().include_router(inner, prefix="/shops/{id}")


def test_include_router_when_it_is_the_router_itself_ends() -> None:
    router = Router()
    router.get("/a")(_view)

    router.include_router(router, prefix="/again")

    assert [route["path"] for route in router.get_routes()] == ["/a", "/again/a"]


def test_include_router_when_one_route_collides_takes_none() -> None:
    inner, router = Router(), Router()
    inner.get("/new")(_view)
    inner.get("/old")(_view)
    router.get("/old")(_view)

    with pytest.raises(RouteConflictError, match="GET '/old' has two views"):
        router.include_router(inner)

    assert [route.path for route in router.routes] == ["/old"]
    assert router._table.find("/new", "GET") is None


def test_include_router_when_the_router_gets_more_routes_later_leaves_them() -> None:
    inner, router = Router(), Router()
    router.include_router(inner)
    inner.get("/later")(_view)

    assert router.routes == ()


def test_converter_when_added_is_known_to_its_router_and_travels_with_its_routes() -> None:
    inner, router = Router(), Router()
    inner.add_converter("uuid", UUID)
    inner.get("/{id:uuid}")(_view)
    router.get("/{name}")(_view)
    router.include_router(inner)
    number = UUID(int=7)

    found = router._table.find(f"/{number}", "GET")

    assert isinstance(found, tuple)
    assert found[1] == {"id": number}
    assert isinstance(other := router._table.find("/ann", "GET"), tuple)
    assert other[1] == {"name": "ann"}
    with pytest.raises(RouteDefinitionError, match="unknown type 'uuid'"):
        router.get("/x/{id:uuid}")(_view)


def test_converter_when_two_routers_give_one_name_to_two_stays_that_of_its_router() -> None:
    low, high, router = Router(), Router(), Router()
    low.add_converter("word", str.lower)
    high.add_converter("word", str.upper)
    for inner, name in ((low, "low"), (high, "high")):
        inner.get("/{x:word}/" + name)(_view)
        router.include_router(inner)

    for path, value in (("/Ab/low", "ab"), ("/Ab/high", "AB")):
        found = router._table.find(path, "GET")
        assert isinstance(found, tuple)
        assert found[1] == {"x": value}


def test_view_when_it_is_a_coroutine_function_is_refused() -> None:
    async def view(request: Request) -> str:
        return "never awaited"

    with pytest.raises(RouteDefinitionError, match=r"'/a' is async.*Write def"):
        Router().get("/a")(view)


def test_converter_when_it_makes_none_matches_all_the_same() -> None:
    router = Router()
    router.add_converter("nothing", lambda text: None)
    router.get("/{x:nothing}")(_view)

    found = router._table.find("/a", "GET")

    assert isinstance(found, tuple)
    assert found[1] == {"x": None}


@pytest.mark.parametrize("name", ["int", "path", "a-b", ""])
def test_converter_when_its_name_is_taken_or_none_says_so(name: str) -> None:
    with pytest.raises(RouteDefinitionError, match=repr(name)):
        Router().add_converter(name, str)


def test_hooks_when_routers_are_nested_stand_around_the_view_like_layers() -> None:
    inner, outer = Router(), Router()
    inner.get("/")(_view)
    outer.before_request(_Hook("outer 1"))
    outer.include_router(inner)
    outer.get("/own")(_view)
    for router, name in ((inner, "inner"), (outer, "outer")):
        for number in (2, 3):
            router.before_request(_Hook(f"{name} {number}"))
            router.after_request(_Hook(f"{name} {number}"))

    included, own = outer.routes
    assert _said(included.before) == ["outer 1", "outer 2", "outer 3", "inner 2", "inner 3"]
    assert _said(included.after) == ["inner 3", "inner 2", "outer 3", "outer 2"]
    assert _said(own.before) == ["outer 1", "outer 2", "outer 3"]
    assert _said(inner.routes[0].before) == ["inner 2", "inner 3"]


def test_hooks_when_a_router_includes_itself_run_once() -> None:
    router = Router()
    router.get("/a")(_view)
    router.include_router(router, "/again")
    router.before_request(_view)

    assert [route.before for route in router.routes] == [(_view,), (_view,)]


def test_hook_when_registered_by_decorator_is_given_back() -> None:
    router = Router()

    assert router.before_request(_view) is _view
    assert router.after_request(_after) is _after
