"""Files of a folder: what `add_static` answers, and what it keeps to itself."""

from pathlib import Path

import pytest

from tests.application.wsgi_client import call
from wiverno import Wiverno


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("style.css", ".env", ".git/config", ".well-known/security.txt", "a/.b/c.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text", encoding="utf-8")
    return tmp_path


@pytest.fixture
def app(folder: Path) -> Wiverno:
    app = Wiverno()
    app.add_static("/static/", folder)
    return app


def test_file_when_it_is_there_is_served_where_url_for_says(app: Wiverno) -> None:
    path = app.url_for("static", path="style.css")

    reply = call(app, "GET", path)

    assert path == "/static/style.css"
    assert (reply.status, reply.text) == ("200 OK", "text")
    assert reply.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["missing.css", "", "../style.css", "a", "style.css/x"])
def test_file_when_there_is_none_is_a_404(app: Wiverno, path: str) -> None:
    assert call(app, "GET", f"/static/{path}").status == "404 Not Found"


@pytest.mark.parametrize("path", [".env", ".git/config", "a/.b/c.txt"])
def test_file_when_its_name_hides_it_is_a_404(app: Wiverno, path: str) -> None:
    assert call(app, "GET", f"/static/{path}").status == "404 Not Found"


def test_file_when_well_known_is_served(app: Wiverno) -> None:
    # RFC 8615: the one name with a dot that is meant for strangers.
    assert call(app, "GET", "/static/.well-known/security.txt").text == "text"


def test_file_when_posted_to_is_a_405(app: Wiverno) -> None:
    assert call(app, "POST", "/static/style.css").headers["Allow"] == "GET, HEAD, OPTIONS"


def test_prefix_when_it_is_the_root_serves_below_it(folder: Path) -> None:
    app = Wiverno()
    app.get("/")(lambda request: "home")
    app.add_static("/", folder)

    assert call(app).text == "home"
    assert call(app, "GET", "/style.css").text == "text"


def test_file_when_it_may_be_kept_says_how_long(folder: Path) -> None:
    app = Wiverno()
    app.add_static("/static", folder, max_age_s=60)

    assert call(app, "GET", "/static/style.css").headers["Cache-Control"] == "max-age=60"
