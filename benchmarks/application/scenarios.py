"""What the applications answer, and what they are asked for. Data, and no third-party module."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MANY = 1000
"""Routes in an application that has grown."""

ASKED = 8
"""Different paths of a scenario that asks for several in turn."""

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"

HELLO = "hello"
VALUE = {"message": "hello", "numbers": [1, 2, 3]}
NOT_FOUND = "not found"


class Kind(Enum):
    """What every view of a scenario does, each in the way its framework documents."""

    HELLO = "text with a content type that the view sets"
    PAGE = "text alone, where the framework takes that for HTML"
    NUMBER = "the parameter `id`, an int, plus one: as text with its content type"
    VALUE = "a value that the framework turns into JSON"


_CONTENT_TYPES = {Kind.HELLO: TEXT, Kind.PAGE: HTML, Kind.NUMBER: TEXT, Kind.VALUE: JSON}


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    kind: Kind
    routes: tuple[str, ...]
    """As wiverno writes them: `{id:int}` and `{name}` are the only parameters."""
    paths: tuple[str, ...]
    """Asked for in turn."""
    status: int = 200
    """404: a page of its own for it, of plain text."""

    @property
    def content_type(self) -> str:
        return TEXT if self.status == 404 else _CONTENT_TYPES[self.kind]

    def answer(self, path: str) -> bytes:
        """The whole body; of JSON it is the value that counts."""
        if self.status == 404:
            return NOT_FOUND.encode()
        match self.kind:
            case Kind.HELLO | Kind.PAGE:
                return HELLO.encode()
            case Kind.VALUE:
                return json.dumps(VALUE).encode()
            case Kind.NUMBER:
                return str(int(id_in(path)) + 1).encode()


def id_in(path: str) -> str:
    """The segment that is the id."""
    return next(segment for segment in path.split("/") if segment.isdecimal())


def _shapes() -> Iterator[str]:
    for number in range(MANY):
        yield (
            f"/shape{number}/{{id:int}}",
            f"/shape{number}/{{id:int}}/edit",
            f"/shape{number}/{{name}}/{{id:int}}",
            f"/users/{{id:int}}/shape{number}",
        )[number % 4]


def _filled(route: str) -> str:
    return route.replace("{id:int}", "42").replace("{name}", "anna")


_STATIC = tuple(f"/page{number}" for number in range(MANY))
_DYNAMIC = tuple(f"/item{number}/{{id:int}}" for number in range(MANY))
_SHAPES = tuple(_shapes())
# From the first to the last, and of every shape.
_ASKED = tuple(_filled(_SHAPES[(MANY - 1) * number // (ASKED - 1)]) for number in range(ASKED))

SCENARIOS = (
    Scenario("text", "one static route, text/plain", Kind.HELLO, ("/hello",), ("/hello",)),
    Scenario("html", "one static route, the text alone", Kind.PAGE, ("/hello",), ("/hello",)),
    Scenario("int", "`/users/{id:int}`", Kind.NUMBER, ("/users/{id:int}",), ("/users/42",)),
    Scenario("json", "one static route, a dict", Kind.VALUE, ("/value",), ("/value",)),
    Scenario("static-last", "the last of 1,000 static routes", Kind.HELLO, _STATIC, _STATIC[-1:]),
    Scenario(
        "dynamic-first",
        "the first of 1,000 dynamic routes",
        Kind.NUMBER,
        _DYNAMIC,
        (_filled(_DYNAMIC[0]),),
    ),
    Scenario(
        "dynamic-last",
        "the last of 1,000 dynamic routes",
        Kind.NUMBER,
        _DYNAMIC,
        (_filled(_DYNAMIC[-1]),),
    ),
    Scenario(
        "shapes", "1,000 dynamic routes of four shapes, 8 asked", Kind.NUMBER, _SHAPES, _ASKED
    ),
    Scenario("404", "a path that is not there", Kind.HELLO, ("/hello",), ("/missing",), 404),
)
