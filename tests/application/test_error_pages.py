"""The pages that answer when no view does, and the exceptions that they show."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core import failure_limits, failures
from wiverno.core.failures import (
    Failure,
    Frame,
    RaisedError,
    SourceLine,
    describe_failure,
)
from wiverno.core.http.error_content import MAX_ROUTES_SHOWN, closest_routes
from wiverno.core.http.pages import DebugDetails, ListedRoute, error_page, preferred_type

NASTY = "<script>alert('x')</script>&\"'"
HTML = "text/html"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
ROUTES = [
    ListedRoute("/", ("GET", "HEAD"), "home"),
    ListedRoute("/notes", ("GET", "HEAD", "POST"), "notes"),
    ListedRoute("/notes/{id:int}", ("GET", "HEAD"), "note"),
    ListedRoute("/notes/favorites", ("GET", "HEAD"), "favorites"),
    ListedRoute("/files/{path:path}", (), "file"),
]
_VOID = {"meta", "br", "link", "img"}


class Document(HTMLParser):
    """What a browser makes of a page: its text, and each element with its attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page.decode("utf-8"))
        self.close()
        assert not self._open, "elements that were not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def raised(function: Callable[[], object]) -> Exception:
    """The exception that comes out of `function`, with its traceback."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 - any of them is what the test is about
        return error
    raise AssertionError("nothing was raised")


def user_module(folder: Path, source: str, name: str = "shop") -> dict[str, Any]:
    """The names of a module of the user's that consists of `source`."""
    file = folder / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    names: dict[str, Any] = {"__name__": name}
    exec(compile(source, str(file), "exec"), names)
    return names


def debug_page(failure: Failure, accept: str = HTML) -> bytes:
    return error_page(500, accept=accept, debug=DebugDetails("GET", "/x", (), failure))[1]


# What strangers see.


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 418, 429, 500, 503, 599])
def test_page_when_not_debugging_says_status_and_a_sentence(status: int) -> None:
    content_type, body = error_page(status, accept=BROWSER)
    document = Document(body)

    assert content_type == "text/html; charset=utf-8"
    assert str(status) in document.text
    assert re.search(r"[a-z]\.", document.text)
    assert "debug" not in document.text


@pytest.mark.parametrize("accept", [HTML, "application/json", "text/plain"])
def test_page_when_not_debugging_is_the_same_whatever_happened(accept: str) -> None:
    assert error_page(500, accept=accept) == error_page(500, accept=accept)
    with_methods = error_page(405, accept=accept, allowed=["GET", "HEAD"])[1]

    assert b"HEAD" in with_methods


@pytest.mark.parametrize("accept", [HTML, "application/json", "text/plain"])
def test_page_when_a_message_is_given_shows_it(accept: str) -> None:
    body = error_page(403, "Only the owner may delete it.", accept=accept)[1]

    assert b"Only the owner may delete it." in body


def test_page_when_text_is_wanted_is_short() -> None:
    content_type, body = error_page(405, accept="text/plain", allowed=("GET", "HEAD"))

    assert content_type == "text/plain; charset=utf-8"
    assert body.decode() == (
        "405 Method Not Allowed\n\n"
        "This address does not answer requests of this kind.\n\n"
        "Allowed: GET, HEAD\n"
    )


def test_page_when_json_is_wanted_has_the_members_of_rfc_9457() -> None:
    content_type, body = error_page(405, accept="application/json", allowed=("GET",))

    assert content_type == "application/json"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "This address does not answer requests of this kind.",
        "allowed": ["GET"],
    }


# Which form.


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        (BROWSER, "text/html"),
        ("text/*", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/vnd.api+json", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/*", "application/json"),
        ("text/plain", "text/plain"),
        ("text/html;q=0.5, text/plain", "text/plain"),
        ("TEXT/PLAIN ; Q=0.9, application/json;q=0.8", "text/plain"),
        ("text/html;q=0, */*;q=0.1", "application/json"),
        ("image/png", "text/html"),
        ("*/*;q=0", "text/html"),
        ("text/plain;q=nan", "text/html"),
        ("text/plain;q=1e9", "text/html"),
        (";;,,q=,=", "text/html"),
    ],
)
def test_preferred_type_when_a_header_is_given_is_what_it_weighs_most(
    accept: str, expected: str
) -> None:
    assert preferred_type(accept) == expected


@settings(derandomize=True, max_examples=300)
@given(st.text(alphabet=st.sampled_from("texhmlpain/*+json;q=01.9, \x00é"), max_size=60))
def test_preferred_type_when_the_header_is_garbage_is_still_a_form(accept: str) -> None:
    assert error_page(404, accept=accept)[0].split(";")[0] == preferred_type(accept)


# Routes.


def test_404_when_debugging_lists_the_routes_closest_first() -> None:
    debug = DebugDetails("GET", "/notes/favorits", ROUTES)
    document = Document(error_page(404, accept=HTML, debug=debug)[1])
    listed = [text for text in document.texts if text in {route.path for route in ROUTES}]

    assert "No route leads to /notes/favorits." in document.text
    assert listed == [route.path for route in closest_routes(debug.path, ROUTES)]
    assert "any method" in document.text
    assert {"home", "favorites", "GET, HEAD, POST"} <= set(document.texts)


@pytest.mark.parametrize(
    ("path", "closest"),
    [
        ("/notes/favorits", "/notes/favorites"),
        ("/notes/x7", "/notes/{id:int}"),
        ("/note", "/notes"),
        ("/NOTES", "/notes"),
        ("/files/a", "/files/{path:path}"),
        ("", "/"),
    ],
)
def test_closest_routes_when_a_path_is_mistyped_begin_with_what_was_meant(
    path: str, closest: str
) -> None:
    assert closest_routes(path, ROUTES)[0].path == closest


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(), st.lists(st.text()))
def test_closest_routes_when_paths_are_anything_keep_every_route(
    path: str, patterns: list[str]
) -> None:
    routes = [ListedRoute(pattern) for pattern in patterns]

    assert sorted(closest_routes(path, routes), key=str) == sorted(routes, key=str)


@pytest.mark.parametrize("accept", [HTML, "text/plain"])
def test_404_when_there_are_thousands_of_routes_lists_some_and_counts_the_others(
    accept: str,
) -> None:
    routes = [ListedRoute(f"/page/{number}/x") for number in range(2000)]
    body = error_page(404, accept=accept, debug=DebugDetails("GET", "/page", routes))[1]

    assert body.count(b"/x") == MAX_ROUTES_SHOWN
    assert f"and {2000 - MAX_ROUTES_SHOWN} more".encode() in body


def test_404_when_json_is_wanted_has_the_routes_as_values() -> None:
    debug = DebugDetails("GET", "/nothing", ROUTES[:1])
    body = error_page(404, accept="application/json", debug=debug)[1]

    assert json.loads(body)["debug"] == {
        "method": "GET",
        "path": "/nothing",
        "routes": [{"path": "/", "methods": ["GET", "HEAD"], "view": "home"}],
    }


# What a page must never do.


@pytest.mark.parametrize("status", [403, 404, 405, 500])
def test_page_when_every_text_is_hostile_has_no_element_of_it(status: int) -> None:
    failure = Failure(
        (
            RaisedError(
                NASTY,
                f"{NASTY}\n{NASTY}",
                frames=(
                    Frame(f"/p/{NASTY}", 2, NASTY, True, (SourceLine(2, NASTY, True, 1, 9),)),
                    Frame(f"/l/{NASTY}", 2, NASTY, False, (SourceLine(2, NASTY),)),
                ),
            ),
            RaisedError(NASTY, NASTY, "cause"),
        ),
        NASTY,
    )
    routes = [ListedRoute(f"/{NASTY}", (NASTY,), NASTY)]
    details = DebugDetails(NASTY, f"/{NASTY}", routes, failure if status == 500 else None)

    for debug in (None, details):
        body = error_page(status, NASTY, accept=HTML, allowed=[NASTY], debug=debug)[1]
        document = Document(body)
        assert b"<script" not in body
        assert not document.named("script")
        # `alert('x')` in an attribute would also be one too many.
        assert "alert" not in repr([attributes for _, attributes in document.elements])
        assert NASTY in document.text


@pytest.mark.parametrize("is_debug", [False, True])
def test_page_when_shown_fetches_nothing(is_debug: bool, tmp_path: Path) -> None:
    failure = describe_failure(raised(lambda: 1 / 0))
    body = debug_page(failure) if is_debug else error_page(500, accept=HTML)[1]
    document = Document(body)

    assert not {"src", "href", "style", "onclick"} & {
        name for _, attributes in document.elements for name in attributes
    }
    assert b"url(" not in body
    assert b"@import" not in body


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(), st.text(), st.sampled_from([HTML, "text/plain", "application/json"]))
def test_page_when_texts_are_anything_is_a_page(message: str, path: str, accept: str) -> None:
    failure = Failure((RaisedError("E", message),), message)
    debug = DebugDetails("GET", path, ROUTES, failure)

    for each in (None, debug):
        content_type, body = error_page(500, message, accept=accept, debug=each)
        body.decode("utf-8")
        if accept == HTML:
            Document(body)
        assert content_type.startswith(accept)


def test_page_when_a_text_has_a_lone_surrogate_is_still_utf_8() -> None:
    assert rb"\udcff" in error_page(404, "a\udcffb", accept=HTML)[1]


# Exceptions.


def test_failure_when_a_view_raises_shows_where_with_the_line_marked(tmp_path: Path) -> None:
    names = user_module(tmp_path, "def total(cart):\n    x = 1\n    return 10 / cart['ü' * 0]\n")
    failure = describe_failure(raised(lambda: names["total"]({"": 0})))
    frame = failure.errors[0].frames[0]
    page = debug_page(failure).decode()

    assert (failure.errors[0].kind, failure.errors[0].message) == (
        "ZeroDivisionError",
        "division by zero",
    )
    assert (frame.file, frame.line, frame.function) == (str(tmp_path / "shop.py"), 3, "total")
    assert frame.is_user
    assert [(each.number, each.is_failing) for each in frame.source] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert "<mark>10 / cart[&#x27;ü&#x27; * 0]</mark>" in page
    assert "<title>ZeroDivisionError: division by zero</title>" in page
    assert "<code>GET /x</code>" in page


def test_failure_when_a_library_raises_shows_frames_of_the_user_first(tmp_path: Path) -> None:
    names = user_module(tmp_path, "import json\ndef load():\n    return json.loads('{')\n")
    failure = describe_failure(raised(names["load"]))
    page = Document(debug_page(failure)).text

    assert not failure.errors[0].frames[0].is_user
    assert page.index("shop.py") < page.index("decoder.py")
    assert failure.errors[0].kind == "json.decoder.JSONDecodeError"
    assert "library frames" in page


def test_failure_when_chained_shows_each_cause(tmp_path: Path) -> None:
    source = (
        "def first():\n    raise KeyError('inner')\n"
        "def second():\n    try:\n        first()\n    except KeyError as error:\n"
        "        raise ValueError('middle') from error\n"
        "def third():\n    try:\n        second()\n    except ValueError:\n"
        "        raise RuntimeError('outer')\n"
    )
    failure = describe_failure(raised(user_module(tmp_path, source)["third"]))
    page = Document(debug_page(failure)).text

    assert [(each.kind, each.relation) for each in failure.errors] == [
        ("RuntimeError", ""),
        ("ValueError", "context"),
        ("KeyError", "cause"),
    ]
    places = [
        page.index(text)
        for text in (
            "RuntimeError",
            "While handling",
            "ValueError: middle",
            "Caused by",
            "KeyError: 'inner'",
            "Full traceback",
        )
    ]
    assert places == sorted(places)


def test_failure_when_the_context_is_suppressed_does_not_show_it(tmp_path: Path) -> None:
    source = (
        "def fail():\n    try:\n        {}['hidden']\n    except KeyError:\n"
        "        raise ValueError('shown') from None\n"
    )
    failure = describe_failure(raised(user_module(tmp_path, source)["fail"]))

    assert [each.message for each in failure.errors] == ["shown"]


def test_failure_when_it_is_its_own_cause_ends() -> None:
    error = ValueError("a")
    other = ValueError("b")
    error.__cause__, other.__cause__ = other, error

    assert [each.message for each in describe_failure(error).errors] == ["a", "b"]


def test_failure_when_recursion_is_endless_shows_both_ends() -> None:
    def again() -> None:
        again()

    frames = describe_failure(raised(again)).errors[0].frames

    assert len(frames) == failure_limits.MAX_FRAMES
    assert frames[0].function.endswith("again")
    assert frames[-1].function == "raised"


def test_failure_when_the_code_cannot_be_compiled_shows_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ny = (\n", encoding="utf-8")
    source = (tmp_path / "broken.py").read_text(encoding="utf-8")
    error = raised(lambda: compile(source, str(tmp_path / "broken.py"), "exec"))
    frame = describe_failure(error).errors[0].frames[0]

    assert (frame.file, frame.line) == (str(tmp_path / "broken.py"), 2)
    assert [each.text for each in frame.source if each.is_failing] == ["y = ("]
    assert b"<mark>(</mark>" in debug_page(describe_failure(error))


def test_failure_when_the_source_is_gone_has_frames_without_it(tmp_path: Path) -> None:
    names = user_module(tmp_path, "def fail():\n    raise ValueError('x')\n")
    (tmp_path / "shop.py").unlink()

    frame = describe_failure(raised(names["fail"])).errors[0].frames[0]

    assert (frame.line, frame.source) == (2, ())


def test_failure_when_the_text_of_the_exception_raises_is_still_described() -> None:
    class HostileError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    failure = describe_failure(HostileError())

    assert failure.errors[0].message == "(its text could not be made: RuntimeError)"
    assert "HostileError" in failure.traceback


def test_failure_when_notes_were_added_shows_them() -> None:
    error = ValueError("what")
    error.add_note("while reading row 7")

    assert describe_failure(error).errors[0].message == "what\nwhile reading row 7"


def test_failure_when_the_message_is_huge_leaves_its_middle_out() -> None:
    failure = describe_failure(ValueError("x" * 1_000_000))

    assert len(failure.errors[0].message) < failure_limits.MAX_MESSAGE_CHARACTERS + 100
    assert "characters left out" in failure.errors[0].message
    assert len(failure.traceback) < failure_limits.MAX_TRACEBACK_CHARACTERS + 100


@pytest.mark.parametrize(
    ("file", "is_user"),
    [
        ("/srv/shop/views.py", True),
        ("/srv/shop/.venv/lib/python3.12/site-packages/x/y.py", False),
        (json.__file__, False),
        (failures.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
    ],
)
def test_frame_when_its_file_is_installed_is_no_user_code(file: str, is_user: bool) -> None:
    names: dict[str, Any] = {}
    exec(compile("def fail():\n    raise ValueError\n", file, "exec"), names)

    assert describe_failure(raised(names["fail"])).errors[0].frames[0].is_user is is_user


def test_failure_when_json_is_wanted_has_errors_frames_and_traceback(tmp_path: Path) -> None:
    names = user_module(tmp_path, "def fail():\n    raise ValueError('x')\n")
    body = debug_page(describe_failure(raised(names["fail"])), "application/json")
    debug = json.loads(body)["debug"]

    assert debug["errors"][0]["kind"] == "ValueError"
    assert debug["errors"][0]["frames"][0]["line"] == 2
    assert debug["traceback"].startswith("Traceback (most recent call last)")


def test_failure_when_text_is_wanted_is_the_traceback() -> None:
    body = debug_page(describe_failure(raised(lambda: 1 / 0)), "text/plain").decode()

    assert body.startswith("500 Internal Server Error\n")
    assert body.endswith("ZeroDivisionError: division by zero\n")
    assert "GET /x" in body


def test_failure_when_locals_hold_secrets_does_not_show_them(tmp_path: Path) -> None:
    names = user_module(tmp_path, "def fail(key):\n    secret = key\n    raise ValueError('x')\n")
    secret = str(id(names))
    body = debug_page(describe_failure(raised(lambda: names["fail"](secret))))

    assert secret.encode() not in body
