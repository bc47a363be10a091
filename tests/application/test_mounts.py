"""Applications below a prefix of another one, and what is put around it."""

from typing import Any

import pytest

from tests.application.wsgi_client import call
from wiverno import Request, Wiverno
from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError


def _showing(request: Request) -> list[str]:
    return [request.environ["SCRIPT_NAME"], request.environ["PATH_INFO"]]


@pytest.fixture
def inner() -> Wiverno:
    app = Wiverno()
    app.add_route("/{rest:path}", _showing)
    app.add_route("/", _showing)
    return app


@pytest.fixture
def outer(inner: Wiverno) -> Wiverno:
    app = Wiverno()
    app.mount("/inner/", inner)
    return app


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/inner", ["/inner", ""]),
        ("/inner/", ["/inner", "/"]),
        ("/inner/a/b", ["/inner", "/a/b"]),
    ],
)
def test_mounted_application_when_asked_sees_its_own_path(
    outer: Wiverno, path: str, seen: list[str]
) -> None:
    assert call(outer, "GET", path).json() == seen


@pytest.mark.parametrize("path", ["/innermost", "/inne", "/", "/x/inner"])
def test_path_when_only_alike_is_not_the_mounted_one(outer: Wiverno, path: str) -> None:
    assert call(outer, "GET", path).status == "404 Not Found"


def test_prefix_when_not_ascii_is_found(inner: Wiverno) -> None:
    outer = Wiverno()
    outer.mount("/café", inner)

    # PEP 3333: an environ has bytes as latin-1.
    seen = [text.encode("utf-8").decode("latin-1") for text in ("/café", "/é")]
    assert call(outer, "GET", "/café/é").json() == seen
    assert outer.mounts == (("/café", inner),)


def test_prefix_when_it_is_the_longest_wins(inner: Wiverno) -> None:
    outer = Wiverno()
    outer.mount("/a", Wiverno())
    outer.mount("/a/b", inner)

    assert call(outer, "GET", "/a/b/c").json() == ["/a/b", "/c"]


def test_static_route_when_below_the_prefix_wins_whatever_the_method(outer: Wiverno) -> None:
    outer.get("/inner/own")(lambda request: "own")
    outer.get("/inner/{any}")(lambda request: "never")

    assert call(outer, "GET", "/inner/own/").text == "own"
    assert call(outer, "POST", "/inner/own").status == "405 Method Not Allowed"
    assert call(outer, "GET", "/inner/other").json() == ["/inner", "/other"]


@pytest.mark.parametrize("prefix", ["", "/", "/{name}"])
def test_prefix_when_it_is_no_plain_path_is_refused(inner: Wiverno, prefix: str) -> None:
    with pytest.raises(RouteDefinitionError, match="without parameters"):
        Wiverno().mount(prefix, inner)


def test_prefix_when_taken_is_a_conflict(outer: Wiverno, inner: Wiverno) -> None:
    with pytest.raises(RouteConflictError, match="mounted there already"):
        outer.mount("inner", inner)


def test_application_when_it_cannot_be_called_is_refused() -> None:
    nothing: Any = None
    app = Wiverno()

    with pytest.raises(RouteDefinitionError, match="Give a WSGI application"):
        app.mount("/inner", nothing)
    with pytest.raises(TypeError, match="Return a WSGI application"):
        app.add_middleware(lambda application: nothing)

    assert call(app).status == "404 Not Found"


def test_mounted_application_when_the_outer_one_starts_and_ends_does_too(
    outer: Wiverno, inner: Wiverno
) -> None:
    told: list[str] = []
    inner.on_startup(lambda: told.append("inner up"))
    inner.on_shutdown(lambda: told.append("inner down"))
    outer.on_startup(lambda: told.append("outer up"))
    outer.on_shutdown(lambda: told.append("outer down"))

    with outer.test_client():
        pass

    assert told == ["inner up", "outer up", "outer down", "inner down"]
