"""Route table: which view answers, and what there is where none does."""

import sys
from types import FrameType
from typing import Any

import pytest

from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.routes import Route
from wiverno.core.routing.table import MethodMismatch, RouteTable


def _table(*routes: tuple[str, str]) -> RouteTable:
    table = RouteTable()
    for method, path in routes:
        table.add(Route(parse_pattern(path), f"{method} {path}", (method,)))
    return table


def _answer(table: RouteTable, path: str, method: str = "GET") -> Any:
    found = table.find(path, method)
    return found[0].handler if isinstance(found, tuple) else found


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("/users/me", "/users/me"),
        ("/users/7", "/users/{id:int}"),
        ("/users/7.5", "/users/{x:float}"),
        ("/users/v7", "/users/v{n:int}"),
        ("/users/ann", "/users/{name}"),
        ("/users/ann.txt", "/users/{name}.txt"),
        ("/users/ann/posts", "/users/{name}/posts"),
        ("/users/ann/x", "/{a}/{b}/{c}"),
        ("/users/7/x", "/{a}/{b:int}/x"),
        ("/users/a/b/c", "/users/{rest:path}"),
        ("/z/a/b/edit", "/{rest:path}/edit"),
        ("/nothing", "/{rest:path}"),
    ],
)
@pytest.mark.parametrize("step", [1, -1])
def test_find_when_several_match_takes_the_most_specific(path: str, winner: str, step: int) -> None:
    routes = [
        "/{rest:path}",
        "/{rest:path}/edit",
        "/users/{rest:path}",
        "/{a}/{b}/{c}",
        "/{a}/{b:int}/x",
        "/users/{name}",
        "/users/{name}.txt",
        "/users/{x:float}",
        "/users/{id:int}",
        "/users/v{n:int}",
        "/users/{name}/posts",
        "/users/me",
    ]

    assert _answer(_table(*(("GET", each) for each in routes[::step])), path) == f"GET {winner}"


def test_find_when_two_are_equally_narrow_takes_the_one_registered_first() -> None:
    routes = [("GET", "/x{name}"), ("GET", "/{name}y")]

    assert _answer(_table(*routes), "/xay") == "GET /x{name}"
    assert _answer(_table(*reversed(routes)), "/xay") == "GET /{name}y"


def test_find_when_the_first_match_lacks_the_method_goes_on() -> None:
    table = _table(("GET", "/users/me"), ("DELETE", "/users/{name}"), ("PUT", "/{rest:path}"))

    assert _answer(table, "/users/me", "DELETE") == "DELETE /users/{name}"
    assert _answer(table, "/users/me", "PUT") == "PUT /{rest:path}"
    assert table.find("/users/me", "POST") == MethodMismatch(("DELETE", "GET", "HEAD", "PUT"))
    assert table.find("/other", "GET") == MethodMismatch(("PUT",))
    assert table.find("/", "GET") is None


def test_find_when_names_differ_by_method_uses_those_of_the_method() -> None:
    table = _table(("GET", "/u/{id}"), ("POST", "/u/{name}"))

    for method, values in (("GET", {"id": "7"}), ("HEAD", {"id": "7"}), ("POST", {"name": "7"})):
        found = table.find("/u/7", method)
        assert isinstance(found, tuple)
        assert found[1] == values


def test_find_when_the_route_answers_every_method_answers_unknown_ones_too() -> None:
    table = RouteTable()
    for path in ("/static", "/{name}/dynamic"):
        table.add(Route(parse_pattern(path), "any"))

    for path in ("/static", "/x/dynamic"):
        assert [_answer(table, path, each) for each in ("GET", "HEAD", "BREW")] == ["any"] * 3


def test_static_when_indexed_is_what_find_gives() -> None:
    table = _table(("GET", "/a"), ("POST", "/a"), ("HEAD", "/b"), ("GET", "/b"), ("GET", "/{x}"))

    for path, method in (("/a", "GET"), ("/a", "HEAD"), ("/a", "POST"), ("/b", "HEAD")):
        assert table.static[path][method] is table.find(path, method)
    assert set(table.static) == {"/a", "/b"}
    assert _answer(table, "/b", "HEAD") == "HEAD /b"
    assert table.static["/a"]["GET"][1] == {}
    with pytest.raises(TypeError):  # All requests share it.
        table.static["/a"]["GET"][1]["x"] = 1


def test_find_when_a_route_is_half_added_gives_what_was_or_what_will_be() -> None:
    """Threads search without a lock. So this looks at every line that adding takes."""
    table = _table(
        ("GET", "/{a}/{b}"), ("POST", "/r/{n:float}"), ("GET", "/s"), ("GET", "/f/{p:path}")
    )
    added = ["/r/{n:int}", "/r/{b}", "/r/v{b}", "/r/{n:float}", "/f/x", "/r/{n:int}/{c}/{p:path}"]
    asked = ["/x/y", "/s", "/f/a/b", "/f/x", "/r/7", "/r/7.5", "/r/v7", "/r/7/c/d/e"]
    looks = 0

    def answers() -> list[Any]:
        return [_answer(table, path, method) for path in asked for method in ("GET", "HEAD")]

    def look(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal looks
        if "routing" in frame.f_code.co_filename and event == "line":
            looks += 1
            seen.append(answers())
        return look

    for path in added:
        route = Route(parse_pattern(path), path, ("GET",))
        seen = [answers()]
        before = sys.gettrace()
        sys.settrace(look)
        try:
            table.add(route)
        finally:
            sys.settrace(before)
        after = answers()
        assert after != seen[0]
        for now in seen:
            pairs = zip(now, zip(seen[0], after, strict=True), strict=True)
            assert all(answer in either for answer, either in pairs)
            # GET and the HEAD that it answers come at once.
            assert now[::2] == now[1::2]
    assert looks > 10 * len(added)
