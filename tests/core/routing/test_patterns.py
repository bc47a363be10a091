"""Path patterns: what they match and what they refuse to be."""

import pytest

from wiverno.core.exceptions import RouteDefinitionError
from wiverno.core.routing.patterns import parse_pattern


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
        ("/{id:int}", "/042", (42,)),
        ("/{id:int}", "/-7", (-7,)),
        ("/{id:int}", "/7.0", None),
        ("/{id:int}", "/\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("/{id:int}", "/" + "9" * 5000, None),
        ("/{x:float}", "/1", (1.0,)),
        ("/{x:float}", "/-1.25", (-1.25,)),
        ("/{x:float}", "/nan", None),
        ("/{x:float}", "/1e5", None),
        ("/{rest:path}", "/a/b\nc", ("a/b\nc",)),
        ("/files/{name}.txt", "/files/a.b.txt", ("a.b",)),
        ("/files/{name}.txt", "/files/atxt", None),
        ("/a.b/{x:str}", "/aXb/1", None),
        ("/{a}/{b:int}", "/x/1", ("x", 1)),
    ],
)
def test_pattern_when_matched_converts_or_refuses(
    pattern: str, path: str, values: tuple[object, ...] | None
) -> None:
    assert parse_pattern(pattern).match(path) == values


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
    ],
)
def test_pattern_when_malformed_says_what_and_where(path: str, said: str) -> None:
    with pytest.raises(RouteDefinitionError) as caught:
        parse_pattern(path)

    assert said in str(caught.value)
    assert repr(path) in str(caught.value)
