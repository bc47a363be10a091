"""The applications in `examples/`, called as a server calls them."""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.application.documents import Block, blocks_of
from tests.application.running_program import WIVERNO, RunningProgram, free_port
from tests.application.wsgi_client import call
from wiverno import Wiverno
from wiverno.core.app_target import load, parse
from wiverno.core.wsgi_types import WSGIApplication

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WSGIApplication]:
    monkeypatch.chdir(_EXAMPLES / "notes")
    monkeypatch.syspath_prepend(str(_EXAMPLES / "notes"))
    application = load(parse("run:app"))
    monkeypatch.setattr(sys.modules["store"], "FOLDER", tmp_path)
    yield application
    cast(Wiverno, application).shutdown()
    for name in ("run", "api", "pages", "pictures", "store"):
        sys.modules.pop(name)


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


def test_notes_example_when_a_form_is_sent_shows_the_escaped_note(notes: WSGIApplication) -> None:
    form = "application/x-www-form-urlencoded"

    added = call(notes, "POST", "/", body=b"text=%3CBuy%3E+milk", CONTENT_TYPE=form)

    assert (added.status, added.headers["Location"]) == ("303 See Other", "/notes/1")
    assert "&lt;Buy&gt; milk" in call(notes, "GET", "/notes/1").text
    assert call(notes, "GET", "/api/notes").json()[0]["text"] == "<Buy> milk"
    assert call(notes, "POST", "/notes/1/delete").status == "403 Forbidden"


def test_notes_example_when_something_is_missing_says_so_on_its_own_page(
    notes: WSGIApplication,
) -> None:
    # A number that no database can hold, and a way out of the folder.
    for path in ("/notes/9", f"/notes/{'9' * 40}", "/pictures/..%2Fnotes.db", "/pictures/notes.db"):
        page = call(notes, "GET", path)

        assert page.status == "404 Not Found"
        assert "<h1>Not here</h1>" in page.text
    assert call(notes, "POST", "/").status == "422 Unprocessable Content"


@pytest.mark.processes
def test_container_example_in_production_closes_what_it_has_opened(tmp_path: Path) -> None:
    shutil.copytree(_EXAMPLES / "container", tmp_path, dirs_exist_ok=True)
    port = free_port()

    command = [*WIVERNO, "run", "prod", "app:app", "--port", str(port)]
    with RunningProgram(command, tmp_path) as program:
        assert program.get(port) == (200, "Hello, Version 1!")
        assert program.end(signal.SIGTERM) == 0

    lines = (tmp_path / "journal.txt").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["opened", "Hello, Version 1!", "closed"]


_CONTAINER_BLOCKS = [
    block
    for block in blocks_of("docs/how-to.md")
    if block.heading == "… close the resources of a container"
]


@pytest.mark.parametrize("block", _CONTAINER_BLOCKS, ids=str)
def test_page_about_the_container_shows_what_is_in_the_example(block: Block) -> None:
    assert block.file_name, block

    assert block.text in (_EXAMPLES / "container" / block.file_name).read_text()


def test_page_about_the_container_shows_code() -> None:
    assert len(_CONTAINER_BLOCKS) == 3
