"""Router and route table: which view answers, and which registrations collide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError
from wiverno.core.requests import Request
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.router import Router
from wiverno.core.routing.table import MethodMismatch, Route, RouteMatch, RouteTable


def _view(request: Request) -> str:
    return "view"


def _table(*routes: tuple[str, str]) -> RouteTable:
    table = RouteTable()
    for method, path in routes:
        table.add(Route(path, f"{method} {path}", (method,)))
    return table


def _answer(table: RouteTable, path: str, method: str = "GET") -> Any:
    found = table.find(path, method)
    return found.handler if isinstance(found, RouteMatch) else found


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("/users/me", "GET /users/me"),
        ("/users/7", "GET /users/{id:int}"),
        ("/users/ann", "GET /users/{name}"),
        ("/users/ann/posts", "GET /users/{name}/posts"),
        ("/users/ann/x", "GET /{a}/{b}/{c}"),
        ("/users/a/b/c", "GET /{rest:path}"),
        ("/nothing", "GET /{rest:path}"),
    ],
)
def test_find_when_several_match_takes_the_most_specific(path: str, winner: str) -> None:
    routes = [
        ("GET", "/{rest:path}"),
        ("GET", "/{a}/{b}/{c}"),
        ("GET", "/users/{name}"),
        ("GET", "/users/{id:int}"),
        ("GET", "/users/{name}/posts"),
        ("GET", "/users/me"),
    ]

    assert _answer(_table(*routes), path) == winner
    assert _answer(_table(*reversed(routes)), path) == winner


def test_find_when_the_first_match_lacks_the_method_goes_on() -> None:
    table = _table(("GET", "/users/me"), ("DELETE", "/users/{name}"))

    assert _answer(table, "/users/me", "DELETE") == "DELETE /users/{name}"
    assert table.find("/users/me", "PUT") == MethodMismatch(("DELETE", "GET", "HEAD"))
    assert table.find("/other", "GET") is None


def test_find_when_names_differ_by_method_uses_those_of_the_method() -> None:
    table = _table(("GET", "/u/{id}"), ("POST", "/u/{name}"))

    assert table.find("/u/7", "GET") == RouteMatch("GET /u/{id}", {"id": "7"})
    assert table.find("/u/7", "POST") == RouteMatch("POST /u/{name}", {"name": "7"})


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "{x}", "{n:int}"]), min_size=1, max_size=3),
        max_size=6,
    ),
    st.lists(st.sampled_from(["a", "b", "c", "7"]), min_size=1, max_size=3),
)
def test_find_when_compared_with_a_naive_list_agrees(
    patterns: list[list[str]], segments: list[str]
) -> None:
    path = "/" + "/".join(segments)
    named = [
        "/".join(part.replace("x", f"x{i}").replace("n:", f"n{i}:") for i, part in enumerate(parts))
        for parts in patterns
    ]
    table = RouteTable()
    unique = {parse_pattern(text).shape: text for text in reversed(named)}
    for text in unique.values():
        table.add(Route(text, text, ("GET",)))

    matching = [p for p in map(parse_pattern, unique.values()) if p.match(path) is not None]
    expected = min(matching, key=lambda p: (not p.is_static, p.precedence), default=None)
    found = table.find(path, "GET")

    if expected is None:
        assert found is None
    else:
        assert isinstance(found, RouteMatch)
        assert parse_pattern(found.handler).path == expected.path


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


def test_add_route_when_one_of_two_answers_every_method_is_a_conflict() -> None:
    router = Router()
    router.add_route("/any", _view)
    router.get("/get")(_view)

    with pytest.raises(RouteConflictError, match="Every method of '/any' has two views"):
        router.get("/any")(_view)
    with pytest.raises(RouteConflictError, match="Every method of '/get' has two views"):
        router.add_route("/get", _view)


@pytest.mark.parametrize("methods", ["GET", [], ()])
def test_add_route_when_methods_are_no_list_says_so(methods: Any) -> None:
    with pytest.raises(RouteDefinitionError, match="is not a list of methods"):
        Router().add_route("/", _view, methods)


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


def test_include_router_when_nested_adds_the_prefixes() -> None:
    inner, outer = Router(), Router()
    inner.get("/{id:int}")(_view)
    outer.include_router(inner, prefix="items")
    router = Router()
    router.include_router(outer, prefix="/shops/{shop}")

    assert [route["path"] for route in router.get_routes()] == ["/shops/{shop}/items/{id:int}"]


def test_include_router_when_it_is_the_router_itself_ends() -> None:
    router = Router()
    router.get("/a")(_view)

    router.include_router(router, prefix="/again")

    assert [route["path"] for route in router.get_routes()] == ["/a", "/again/a"]
