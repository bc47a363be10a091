"""The pages of `system_template_path`, as an application answers with them."""

from pathlib import Path

import pytest

from tests.application.wsgi_client import call
from wiverno import Request, Wiverno


@pytest.fixture
def app(tmp_path: Path) -> Wiverno:
    (tmp_path / "layout.html").write_text(
        "<a href=\"{{ url_for('home') }}\">home</a>{% block main %}{% endblock %}"
    )
    (tmp_path / "404.html").write_text(
        '{% extends "layout.html" %}{% block main %}{{ message }} {{ request.path }}{% endblock %}'
    )
    app = Wiverno(system_template_path=tmp_path)

    @app.get("/")
    def home(request: Request) -> str:
        return "home"

    return app


def test_error_template_when_it_extends_a_layout_has_its_links(app: Wiverno) -> None:
    reply = call(app, "GET", "/<gone>")

    assert reply.status == "404 Not Found"
    assert reply.text == '<a href="/">home</a> /&lt;gone&gt;'
    assert reply.headers["Vary"] == "Accept"


def test_error_template_when_mounted_links_below_the_mount(app: Wiverno) -> None:
    outer = Wiverno()
    outer.mount("/inner", app)

    assert '<a href="/inner/">' in call(outer, "GET", "/inner/gone").text


def test_error_template_when_json_is_asked_for_gives_way_to_json(app: Wiverno) -> None:
    reply = call(app, "GET", "/gone", HTTP_ACCEPT="application/json")

    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json()["status"] == 404


def test_error_template_when_there_is_none_for_the_status_is_the_built_in_page(
    app: Wiverno,
) -> None:
    reply = call(app, "POST", "/")

    assert reply.status == "405 Method Not Allowed"
    assert "does not answer POST" in reply.text
