"""What a module binds, out of its text."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.cli.source_names import (
    Alias,
    Bound,
    Called,
    Constant,
    Function,
    Imported,
    Other,
    SourceNames,
    read_names,
)


def names(text: str, module: str = "shop.web", *, is_package: bool = False) -> dict[str, Bound]:
    found = read_names(text, module, is_package=is_package)
    assert found is not None
    return found.bound


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("a = None", Constant("a", 1)),
        ("a: int = 1", Constant("a", 1)),
        ("a = f'{b}'", Constant("a", 1)),
        ("a = b", Alias("a", 1, "b")),
        ("a = b.c", Other("a", 1)),
        ("a, b = c()", Other("a", 1)),
        ("a = b = c", Alias("a", 1, "c")),
        ("a = b.c(d)", Called("a", 1, "b.c", "b.c")),
        ("from x.y import b\na = b.c()", Called("a", 2, "b.c", "x.y.b.c")),
        ("import x.y\na = x.y.c()", Called("a", 2, "x.y.c", "x.y.c")),
        ("import x.y as b\na = b.c()", Called("a", 2, "b.c", "x.y.c")),
        ("class a: ...", Other("a", 1)),
        (
            "def a(b, /, c, d=1, *, e, f=2): ...",
            Function("a", 1, ("b", "c", "e"), 3, required_by_name=("e",)),
        ),
        ("async def a(*b): ...", Function("a", 1, (), float("inf"))),
        ("@b\ndef a(): ...", Function("a", 2, (), 0, is_decorated=True)),
        ("import a", Imported("a", 1, "a", "")),
        ("import a.b", Imported("a", 1, "a", "")),
        ("from b import c as a", Imported("a", 1, "b", "c")),
        ("from . import a", Imported("a", 1, "shop", "a")),
        ("from .b import a", Imported("a", 1, "shop.b", "a")),
        ("from ..b import a", Imported("a", 1, "b", "a")),
        ("try:\n a = b\nexcept* E:\n pass", Alias("a", 2, "b")),
    ],
)
def test_read_names_when_a_name_is_bound_says_how(text: str, bound: Bound) -> None:
    assert names(text)["a"] == bound


def test_read_names_when_it_is_a_package_takes_relative_imports_from_itself() -> None:
    assert names("from .web import a", "shop", is_package=True)["a"] == Imported(
        "a", 1, "shop.web", "a"
    )


def test_read_names_when_a_name_is_bound_again_has_the_last_that_can_be_called() -> None:
    assert names("a = b()\na = c()\na = None")["a"] == Called("a", 2, "c", "c")


def test_read_names_when_a_statement_runs_only_as_a_script_leaves_it_out() -> None:
    assert names("if __name__ == '__main__':\n a = b()\nelse:\n c = d()").keys() == {"c"}


@pytest.mark.parametrize("text", ["(", "a = 1\n b = 2", "\0", "x" + "(" * 5000])
def test_read_names_when_it_is_no_python_is_none(text: str) -> None:
    assert read_names(text, "shop") is None


def test_read_names_when_it_is_nested_deeply_does_not_fail() -> None:
    depth = sys.getrecursionlimit()

    assert read_names(f"a = b{'.c()' * depth}", "shop") in (None, SourceNames())


@given(st.text() | st.binary())
def test_read_names_of_anything_never_raises(text: str | bytes) -> None:
    read_names(text, "shop")
