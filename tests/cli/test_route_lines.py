"""The table of `wiverno routes`, from routes alone."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from wiverno.cli.route_lines import lines, values
from wiverno.core.static_files import StaticFiles


class StandIn(NamedTuple):
    """What the table reads of a route."""

    path: str
    methods: tuple[str, ...] | None
    handler: Any
    name: str


HERE = Path(__file__)
FIRST_LINE = HERE.read_text().splitlines().index("def view(request: object) -> str:") + 1


def view(request: object) -> str:
    return "seen"


@functools.wraps(view)
def wrapped(*words: object) -> str:
    return "seen by another"


# Its code stands in contextlib.py.
WRAPPED_ELSEWHERE: Any = contextlib.contextmanager(cast(Any, view))


class Page:
    def __call__(self, request: object) -> str:
        return "seen"

    def method(self, request: object) -> str:
        return "seen"


CLASS_LINE = HERE.read_text().splitlines().index("class Page:") + 1


def place(handler: Callable[..., Any]) -> object:
    (row,) = values([StandIn("/", None, handler, "view")])
    return (row["file"], row["line"])


@pytest.mark.parametrize(
    "handler",
    [
        *(view, wrapped, functools.partial(view), functools.partial(wrapped)),
        *(functools.lru_cache(view), WRAPPED_ELSEWHERE),
    ],
)
def test_place_of_a_function_is_where_it_was_written(handler: Callable[..., Any]) -> None:
    assert place(handler) == (str(HERE), FIRST_LINE)


def test_place_of_a_view_object_is_its_class() -> None:
    assert place(Page()) == (str(HERE), CLASS_LINE)
    assert place(Page) == (str(HERE), CLASS_LINE)


def test_place_of_a_method_is_the_method() -> None:
    assert place(Page().method) == (str(HERE), CLASS_LINE + 4)


def test_place_of_a_view_without_source_is_unknown() -> None:
    assert place(len) == (None, None)


def test_place_of_a_class_made_at_run_time_is_unknown() -> None:
    made = type("Made", (), {"__module__": "nowhere", "__call__": lambda self, request: ""})

    assert place(made()) == (None, None)


def test_lines_are_aligned_and_end_without_spaces() -> None:
    routes = [
        StandIn("/", ("GET",), view, "home"),
        StandIn("/users/{id:int}", ("GET", "POST"), len, "user"),
        StandIn("/any", None, view, ""),
    ]

    assert ["".join(cells).rstrip() for cells in lines(routes, HERE.parent)] == [
        "METHODS    PATH             NAME  VIEW",
        f"GET        /                home  test_route_lines.py:{FIRST_LINE}",
        "GET, POST  /users/{id:int}  user  len",
        f"any        /any             -     test_route_lines.py:{FIRST_LINE}",
    ]


def test_lines_show_no_control_characters_of_a_path() -> None:
    _, cells = lines([StandIn("/\x1b[31mred\n", None, view, "red")], HERE.parent)

    assert not any(character < " " for character in "".join(cells))


def test_values_have_what_programs_need() -> None:
    assert values([StandIn("/x", ("GET",), view, "shop.x"), StandIn("/y", None, len, "y")]) == [
        {
            "methods": ["GET"],
            "path": "/x",
            "name": "shop.x",
            "view": f"{__name__}.view",
            "file": str(HERE),
            "line": FIRST_LINE,
        },
        {
            "methods": None,
            "path": "/y",
            "name": "y",
            "view": "builtins.len",
            "file": None,
            "line": None,
        },
    ]


def test_static_files_when_listed_are_named_by_their_folder() -> None:
    route = StandIn("/static/{path:path}", ("GET",), StaticFiles(HERE.parent / "static"), "static")

    *_, (*_, shown) = lines([route], HERE.parent)

    assert shown == "files of static"
