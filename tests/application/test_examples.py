"""The applications in `examples/`, called as a server calls them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.wsgi_client import call
from wiverno.core.app_target import load, parse
from wiverno.core.wsgi_types import WSGIApplication

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def hello(monkeypatch: pytest.MonkeyPatch) -> Iterator[WSGIApplication]:
    monkeypatch.syspath_prepend(str(_EXAMPLES / "hello"))
    yield load(parse("run:app"))
    for name in ("run", "notes"):  # Other tests have modules of these names.
        sys.modules.pop(name)


def test_hello_when_asked_greets_and_escapes(hello: WSGIApplication) -> None:
    assert "<h1>Hello, world!</h1>" in call(hello).text
    assert "Hello, &lt;you&gt;!" in call(hello, "GET", "/?name=<you>").text
    assert call(hello, "GET", "/health").json() == {"status": "ok"}


def test_notes_when_one_is_added_lists_it(hello: WSGIApplication) -> None:
    form = "application/x-www-form-urlencoded"

    added = call(hello, "POST", "/notes", body=b"text=Buy+milk", CONTENT_TYPE=form)

    assert (added.status, added.json()) == ("201 Created", {"number": 4, "text": "Buy milk"})
    assert "<li>Buy milk</li>" in call(hello, "GET", "/notes/").text
    assert call(hello, "GET", "/notes/4").json()["text"] == "Buy milk"
    assert call(hello, "GET", "/notes/5").status == "404 Not Found"
    assert call(hello, "POST", "/notes").status == "400 Bad Request"
