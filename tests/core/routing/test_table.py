"""Route table: which view answers, and what there is where none does."""

import sys
import threading
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


def test_find_when_routes_are_added_meanwhile_is_right_at_each_moment() -> None:
    """What is registered is found, what is not is not, and nothing half made is seen."""
    table = _table(("GET", "/{a}/{b}"), ("GET", "/s"), ("GET", "/f/{rest:path}"))
    wrong: list[Any] = []
    done = threading.Event()
    expected: dict[str, set[str | None]] = {
        "/x/y": {"GET /{a}/{b}"},
        "/s": {"GET /s"},
        "/f/a/b/c": {"GET /f/{rest:path}"},
        "/r7/y": {"GET /{a}/{b}", "GET /r7/{b}"},
        "/r7/5": {"GET /{a}/{b}", "GET /r7/{b}", "GET /r7/{n:int}"},
        "/r7/5/z/z/z": {None, "GET /r7/{n:int}/{c}/{d}/{e}"},
    }

    def search() -> None:
        while not done.is_set():
            for path, answers in expected.items():
                if _answer(table, path) not in answers:
                    wrong.append((path, _answer(table, path)))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=search) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for i in range(60):
            for path in (f"/r{i}/{{b}}", f"/r{i}/{{n:int}}", f"/r{i}/{{n:int}}/{{c}}/{{d}}/{{e}}"):
                table.add(Route(parse_pattern(path), f"GET {path}", ("GET",)))
    finally:
        done.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()

    assert wrong == []
    assert _answer(table, "/r59/5/z/z/z") == "GET /r59/{n:int}/{c}/{d}/{e}"
