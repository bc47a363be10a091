"""Templates of an application: what `app.render` and the pages for errors can use."""

from pathlib import Path
from typing import Any

import pytest

from tests.application.wsgi_client import call
from wiverno import Wiverno


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the project, with templates in it."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "pages").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _template(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


LINK = "{{ url_for('note', id=7) }}"


def _app(**options: Any) -> Wiverno:
    app = Wiverno(**options)
    app.get("/notes/{id:int}", name="note")(lambda request: "a note")
    return app


def test_render_when_a_value_is_called_name_renders_it(folder: Path) -> None:
    _template(folder, "templates/hello.html", "Hello {{ name }}")

    assert Wiverno().render("hello.html", name="Ada") == "Hello Ada"


def test_render_when_the_folder_was_changed_since_finds_its_templates(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _template(folder, "templates/hello.html", "Hello")
    app = Wiverno()
    monkeypatch.chdir("/")  # As a server does that goes into the background.

    assert app.render("hello.html") == "Hello"


@pytest.mark.parametrize("debug_mode", [True, False])
def test_template_when_saved_again_is_read_again_in_debug_mode_only(
    folder: Path, debug_mode: bool
) -> None:
    assert Wiverno(debug_mode).templator.env.auto_reload is debug_mode


def test_link_when_rendered_leads_to_the_route(folder: Path) -> None:
    _template(folder, "templates/link.html", LINK)

    assert _app().render("link.html") == "/notes/7"


def test_link_when_rendered_for_a_request_begins_with_its_prefix(folder: Path) -> None:
    _template(folder, "templates/link.html", LINK)
    inner, outer = _app(), Wiverno()
    inner.get("/")(lambda request: inner.render("link.html", request=request))
    outer.mount("/inner", inner)

    assert call(inner, SCRIPT_NAME="/shop").text == "/shop/notes/7"
    assert call(outer, "GET", "/inner/").text == "/inner/notes/7"


def test_link_when_request_is_another_thing_is_that_of_the_application(folder: Path) -> None:
    _template(folder, "templates/link.html", LINK)

    assert _app().render("link.html", request="please") == "/notes/7"


def test_link_when_on_an_error_page_begins_with_the_prefix(folder: Path) -> None:
    _template(folder, "pages/404.html", LINK)

    reply = call(_app(system_template_path="pages"), "GET", "/nowhere", SCRIPT_NAME="/shop")

    assert reply.status == "404 Not Found"
    assert reply.text == "/shop/notes/7"
