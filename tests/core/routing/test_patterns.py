"""Path patterns: what they match and what they refuse to be."""

from typing import Any

import pytest

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.routes import Route
from wiverno.core.routing.table import RouteTable


def _values(pattern: str, path: str) -> tuple[Any, ...] | None:
    table = RouteTable()
    table.add(Route(parse_pattern(pattern), "view"))
    found = table.find(path, "GET")
    return tuple(found[1].values()) if isinstance(found, tuple) else None


@pytest.mark.parametrize("path", ["/users", "/users/", "users", "users/"])
def test_static_pattern_when_spelled_differently_is_one(path: str) -> None:
    pattern = parse_pattern(path)

    assert (pattern.path, pattern.is_static) == ("/users", True)


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("/{name}", "/a b", ("a b",)),
        ("/{name}", "/a/b", None),
        ("/{name}", "/", None),
        ("/{name}", "//a", None),
        ("//{name}", "//a", ("a",)),
        ("/{id:int}", "/042", (42,)),
        ("/{id:int}", "/-7", (-7,)),
        ("/{id:int}", "/--7", None),
        ("/{id:int}", "/-", None),
        ("/{id:int}", "/+7", None),
        ("/{id:int}", "/7 ", None),
        ("/{id:int}", "/1_0", None),
        ("/{id:int}", "/7.0", None),
        ("/{id:int}", "/\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("/{id:int}", "/\N{SUPERSCRIPT TWO}", None),
        ("/{id:int}", "/" + "9" * 300, (int("9" * 300),)),
        ("/{id:int}", "/" + "9" * 301, None),
        ("/{id:int}", "/-" + "9" * 301, None),
        ("/{x:float}", "/1", (1.0,)),
        ("/{x:float}", "/-1.25", (-1.25,)),
        ("/{x:float}", "/1.", None),
        ("/{x:float}", "/nan", None),
        ("/{x:float}", "/1e5", None),
        ("/{rest:path}", "/a/b\nc", ("a/b\nc",)),
        ("/{rest:path}", "/", None),
        ("/files/{rest:path}", "/files", None),
        ("/files/{rest:path}", "/files//a", ("/a",)),
        ("/files/v{rest:path}.txt", "/files/va/b.txt", ("a/b",)),
        ("/files/v{rest:path}.txt", "/files/v.txt", None),
        ("/{rest:path}/edit/{id:int}", "/a/edit/1/edit/2", ("a/edit/1", 2)),
        ("/{rest:path}/edit", "/edit", None),
        ("/files/{name}.txt", "/files/a.b.txt", ("a.b",)),
        ("/files/{name}.txt", "/files/atxt", None),
        ("/files/{name}.txt", "/files/.txt", None),
        ("/aba{x}aba", "/ababa", None),
        ("/{a}-{b}", "/x-y-z", ("x-y", "z")),
        ("/{y:int}-{m:int}-{d:int}", "/2024-02-29", (2024, 2, 29)),
        ("/{a}-{b}", "/" + "a" * 253 + "-b", ("a" * 253, "b")),
        ("/{a}-{b}", "/" + "a" * 254 + "-b", None),
        ("/a.b/{x:str}", "/aXb/1", None),
        ("/{a}/{b:int}", "/x/1", ("x", 1)),
    ],
)
def test_pattern_when_matched_converts_or_refuses(
    pattern: str, path: str, values: tuple[object, ...] | None
) -> None:
    assert _values(pattern, path) == values


def test_shape_when_only_names_differ_is_the_same() -> None:
    assert parse_pattern("/a/{x:int}").shape == parse_pattern("a/{y:int}/").shape
    assert parse_pattern("/a/{x:int}").shape != parse_pattern("/a/{x}").shape
    assert parse_pattern("/a/{x}").shape == parse_pattern("/a/{y:str}").shape


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/{id", "brace without its partner"),
        ("/id}", "brace without its partner"),
        ("/{{id}}", "brace without its partner"),
        ("/{}", "'' cannot be a parameter name"),
        ("/{a-b}", "'a-b' cannot be a parameter name"),
        ("/{id:uuid}", "unknown type 'uuid' of 'id'. Use one of int, float, str, path."),
        ("/{id}/{id}", "uses a parameter name twice"),
        ("/{a}{b}", "nothing stands behind 'a'"),
        ("/{a:int}{b}", "nothing stands behind 'a'"),
        ("/{a}-{b}-{c}", "more than two parameters of text"),
        ("/{a:int}0{b}", "'0' behind the number 'a' could be part of it"),
        ("/{a:float}.{b}", "'.' behind the number 'a' could be part of it"),
        ("/{a:path}-{b}", "Put a slash between 'a' and 'b'"),
        ("/{a:path}/x/{b:path}", "'a' and 'b' are both of the type path"),
        ("/a" * 251, "has 251 segments. Use 250 at most"),
    ],
)
def test_pattern_when_malformed_says_what_and_where(path: str, said: str) -> None:
    with pytest.raises(RouteDefinitionError) as caught:
        parse_pattern(path)

    assert said in str(caught.value)
    assert repr(path) in str(caught.value)


def test_pattern_when_as_long_as_allowed_is_found_and_nothing_longer() -> None:
    pattern = "/a" * 249 + "/{last}"

    assert _values(pattern, "/a" * 249 + "/x") == ("x",)
    assert _values(pattern, "/a" * 249 + "/x/y") is None
    assert _values(pattern, "/a" * 100_000) is None
    assert _values("/a" * 249 + "/{rest:path}", "/a" * 249 + "/x/y/z") == ("x/y/z",)
