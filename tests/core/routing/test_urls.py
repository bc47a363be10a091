"""`url_for`: from a name back to a path, or an error that says why not."""

from typing import Any

import pytest

from wiverno.core.exceptions import RouteDefinitionError, URLBuildError
from wiverno.core.routing.router import Router


def _router(*routes: tuple[str, str]) -> Router:
    router = Router()
    for name, path in routes:
        router.add_route(path, lambda request: "", ["GET"], name=name)
    return router


@pytest.mark.parametrize(
    ("path", "params", "url"),
    [
        ("/", {}, "/"),
        ("/users/", {}, "/users"),
        ("/users/{id:int}", {"id": 7}, "/users/7"),
        ("/users/{id:int}", {"id": "7"}, "/users/7"),
        ("/users/{name}", {"name": "Zoë & co/?#%.html".replace("/", "")}, None),
        ("/users/{name}", {"name": "a b"}, "/users/a%20b"),
        ("/users/{name}", {"name": "100%"}, "/users/100%25"),
        ("/users/{name}", {"name": "%2e%2e"}, "/users/%252e%252e"),
        ("/{rest:path}", {"rest": "a/é/b c"}, "/a/%C3%A9/b%20c"),
        ("/f/{rest:path}", {"rest": "a/"}, "/f/a//"),
        ("/café/{x:float}", {"x": 1e-7}, "/caf%C3%A9/0.0000001"),
        ("/{x:float}", {"x": 1e22}, "/10000000000000000000000"),
        ("/{x:float}", {"x": 3}, "/3"),
        ("/{a}-{b:int}.html", {"a": "x", "b": 5}, "/x-5.html"),
        ("/s", {"q": "a b&c", "n": [1, 2], "none": None, "on": True}, None),
        ("/s", {"tags": []}, "/s"),
    ],
)
def test_url_for_when_it_can_builds_the_path(
    path: str, params: dict[str, Any], url: str | None
) -> None:
    expected = url or {
        "/users/{name}": "/users/Zo%C3%AB%20%26%20co%3F%23%25.html",
        "/s": "/s?q=a%20b%26c&n=1&n=2&on=True",
    }.get(path)

    assert _router(("it", path)).url_for("it", **params) == expected


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("/{id:int}", {}, "'id' is missing for '/{id:int}'. Write url_for('it', id=...)"),
        ("/{id}", {"id": None}, "'id' is missing"),
        ("/{name}", {"name": "a/b"}, "does not lead back to '/{name}'"),
        ("/{name}", {"name": ""}, "does not lead back"),
        ("/{id:int}", {"id": "x"}, "does not lead back"),
        ("/{id:int}", {"id": True}, "id='True'"),
        ("/{id:int}", {"id": "007"}, "id='007'"),
        ("/{id:int}", {"id": 10**5000}, "cannot be written into a path"),
        ("/{x:float}", {"x": float("inf")}, "x='Infinity'"),
        ("/{a}-{b:int}", {"a": "x", "b": -5}, "a='x', b='-5'"),
        ("/{name}", {"name": "me"}, "leads to '/me' instead of '/{name}'"),
        ("/u/{name}", {"name": ".."}, "has a dot segment"),
        ("/{rest:path}", {"rest": "a/./b"}, "has a dot segment"),
        ("/{rest:path}", {"rest": "/evil.example"}, "would be another host"),
        ("/{name}", {"name": "\ud800"}, "cannot be UTF-8"),
    ],
)
def test_url_for_when_no_path_leads_back_says_why(
    path: str, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(URLBuildError) as caught:
        _router(("it", path), ("me", "/me")).url_for("it", **params)

    assert said in str(caught.value)
    assert "url_for('it')" in str(caught.value)


def test_url_for_when_the_name_is_unknown_names_the_closest() -> None:
    router = _router(("show_user", "/a"), ("list_users", "/b"))

    with pytest.raises(URLBuildError, match=r"no route has this name. Did you mean 'show_user'"):
        router.url_for("show_usr")
    with pytest.raises(URLBuildError, match="A route's name is that of its view"):
        router.url_for("zzz")


def test_url_for_when_two_paths_have_the_name_lists_both() -> None:
    router = _router(("it", "/a/{x}"), ("it", "/b/{x}"))

    with pytest.raises(URLBuildError, match=r"'/a/{x}' and '/b/{x}' both have this name"):
        router.url_for("it", x=1)


def test_url_for_when_one_path_has_the_name_for_two_methods_builds_it() -> None:
    router = Router()
    router.get("/{x:int}", name="it")(lambda request: "")
    router.post("/{x:int}", name="it")(lambda request: "")

    assert router.url_for("it", x=1) == "/1"


def test_url_for_when_the_view_gives_the_name_and_a_parameter_is_called_name() -> None:
    router = Router("people")

    @router.get("/{name}/{self}")
    def show(request: object) -> str:
        return ""

    outer = Router()
    outer.include_router(router, "/people/{group}")

    assert router.url_for("show", name="ann", self=1) == "/ann/1"
    assert outer.url_for("people.show", group="a", name="b", self="c") == "/people/a/b/c"


def test_url_for_when_build_is_no_inverse_or_no_text_says_so() -> None:
    router = Router()
    router.add_converter("odd", str.upper, str.lower)
    router.add_converter("none", str, lambda value: value)
    router.get("/odd/{x:odd}", name="odd")(lambda request: "")
    router.get("/none/{x:none}", name="none")(lambda request: "")

    assert router.url_for("odd", x="A") == "/odd/a"
    with pytest.raises(URLBuildError, match=r"build\(\) of 'x' made 5 of 5, not a str"):
        router.url_for("none", x=5)


def test_errors_when_raised_are_lookup_and_value_errors() -> None:
    with pytest.raises(LookupError):
        Router().url_for("x")
    with pytest.raises(ValueError, match="brace"):
        Router().add_route("/{", lambda request: "")
    assert issubclass(RouteDefinitionError, ValueError)
