"""The route table against a naive list, and the bounds of what one request can cost."""

from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.routing import naive
from tests.core.routing.drawn import competitions, paths, patterns, registrations, texts
from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError, URLBuildError
from wiverno.core.http.paths import normalize_path
from wiverno.core.routing.converters import BUILT_IN, Converter
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.router import Router
from wiverno.core.routing.table import MethodMismatch, RouteTable

TABLE_OF = {"own": Converter(naive.hexadecimal, lambda value: f"{value:x}")}


def _router(routes: list[naive.Registration]) -> tuple[Router, list[naive.Registration]]:
    """A router with those routes that do not collide; a route's handler is its registration."""
    router = Router()
    router.add_converter("own", naive.hexadecimal, lambda value: f"{value:x}")
    taken: list[naive.Registration] = []
    for route in routes:

        def view(request: Any, route: naive.Registration = route) -> Any:
            return route

        path, methods = route
        if naive.collides(route, taken):
            with pytest.raises(RouteConflictError):
                router.add_route(path, view, methods)
        else:
            router.add_route(path, view, methods, name=f"route-{len(taken)}")
            taken.append(route)
    return router, taken


def _found(table: RouteTable, path: str, method: str) -> Any:
    found = table.find(path, method)
    if isinstance(found, tuple):
        return found[0].handler(None), dict(found[1])
    return set(found.allowed) if isinstance(found, MethodMismatch) else found


@settings(derandomize=True, max_examples=150, deadline=None)
@given(registrations, st.lists(paths, min_size=1, max_size=12))
def test_find_when_compared_with_a_naive_list_agrees(
    routes: list[naive.Registration], asked: list[str]
) -> None:
    router, taken = _router(routes)

    for path in asked:
        for method in ("GET", "HEAD", "POST", "BREW"):
            assert _found(router._table, path, method) == naive.find(taken, path, method)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(competitions())
def test_find_when_many_routes_have_the_path_takes_the_same_as_a_naive_list(
    competition: tuple[str, list[naive.Registration]],
) -> None:
    path, routes = competition
    router, taken = _router(routes)

    for method in ("GET", "HEAD", "POST", "BREW"):
        assert _found(router._table, path, method) == naive.find(taken, path, method)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(registrations, st.data())
def test_find_when_the_path_was_made_for_a_route_agrees(
    routes: list[naive.Registration], data: st.DataObject
) -> None:
    router, taken = _router(routes)
    pattern = data.draw(st.sampled_from(taken))[0]
    path = naive.PARAMETER.sub(lambda found: data.draw(_text_for(found[2])), pattern)

    for method in ("GET", "HEAD", "POST", "BREW"):
        assert _found(router._table, path, method) == naive.find(taken, path, method)


def _text_for(kind: str | None) -> st.SearchStrategy[str]:
    numbers = st.integers(-99, 99).map(str)
    return {
        "int": numbers,
        "float": numbers | st.sampled_from(["1.5", "-0.25"]),
        "own": numbers | st.sampled_from(["beef", "0"]),
        "path": st.lists(texts, min_size=1, max_size=3).map("/".join),
    }.get(kind or "str", texts)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(registrations, st.data())
def test_url_for_when_it_builds_leads_back_to_the_route_with_equal_values(
    routes: list[naive.Registration], data: st.DataObject
) -> None:
    router, taken = _router(routes)
    number = data.draw(st.integers(0, len(taken) - 1))
    route = router.routes[number]
    values = {
        name: data.draw(_value_for(converter))
        for segment in route.pattern.segments
        for name, converter in zip(segment.names, segment.converters, strict=True)
    }
    try:
        url = router.url_for(f"route-{number}", **values)
    except URLBuildError:
        return
    assert url.isascii()
    assert not url.startswith("//")
    assert not {".", ".."} & set(url.split("/"))
    assert (route, values) in _asked(router, url, route.methods or ("GET",))


def _asked(router: Router, url: str, methods: tuple[str, ...]) -> list[Any]:
    return [router._table.find(normalize_path(unquote(url)), method) for method in methods]


def _value_for(converter: Converter) -> st.SearchStrategy[Any]:
    return {
        BUILT_IN["int"]: st.integers() | st.integers(10**298, 10**302),
        BUILT_IN["float"]: st.floats(),
        BUILT_IN["str"]: texts,
        BUILT_IN["path"]: st.lists(texts, min_size=1, max_size=3).map("/".join),
    }.get(converter, st.integers(0))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(patterns, patterns)
def test_include_when_prefixed_equals_the_whole_pattern(prefix: str, path: str) -> None:
    """Prefix and path joined mean what the two written together mean."""
    types = {**BUILT_IN, **TABLE_OF}
    for old, new in zip("pqrstuvwxyz", "ABCDEFGHIJK", strict=True):
        prefix = prefix.replace("{" + old, "{" + new)
    if prefix.endswith("/") or path.endswith("/"):
        return  # Written together, the slash at the end of one is no longer at an end.
    try:
        whole = parse_pattern(prefix + path, types)
    except RouteDefinitionError:
        with pytest.raises(RouteDefinitionError):
            parse_pattern(path, types).below(parse_pattern(prefix, types))
    else:
        assert parse_pattern(path, types).below(parse_pattern(prefix, types)) == whole


def test_find_when_all_routes_nearly_match_converts_once_per_node() -> None:
    """However the path is made, a search costs no more than the nodes of the tree."""
    calls = []

    def convert(text: str) -> str:
        calls.append(text)
        return text

    router, depth = Router(), 9
    router.add_converter("counted", convert)
    for choice in product(["a", "{_:counted}"], repeat=depth):
        named = [segment.replace("_", f"p{i}") for i, segment in enumerate(choice)]
        router.add_route("/" + "/".join([*named, "end"]), lambda request: "")
        router.add_route("/" + "/".join([*named, "{rest:path}", "end"]), lambda request: "")
    edges = 2**depth - 1  # One with a converter below each inner node, in either tree.

    for path in ("/a" * (depth + 1), "/a" * (depth + 30), "/a" * 20_000, "/" * 500):
        calls.clear()
        assert router._table.find(path, "GET") is None
        # The first way, the search among patterns of its length, that among the prefixes.
        assert len(calls) <= depth + 2 * edges


@pytest.mark.parametrize(
    "segment",
    [
        "{a}1{b}",
        "{a}1{n:int}x{b}y",
        "{n:int}a{m:int}a{b}a",
        "{a}a{n:float}a{m:int}a{b}a",
        "{a}aa{b}ab",
    ],
)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "1x", "a", "1a", "aa", "-"]), max_size=3), st.data())
def test_segment_when_split_in_many_ways_takes_no_more_than_quadratic_steps(
    segment: str, beginning: list[str], data: st.DataObject
) -> None:
    parse_pattern("/" + segment)  # It is one of those that are allowed.
    unit = data.draw(st.sampled_from(["1", "1x", "1a", "a", "a1a", "-1", "1.1a"]))
    text = ("".join(beginning) + unit * 255)[:254] + data.draw(st.sampled_from(["", "!", "y"]))
    steps = naive.Steps()

    naive.match_segment(segment, text, steps)

    assert steps.count <= len(text) ** 2
