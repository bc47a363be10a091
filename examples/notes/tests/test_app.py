"""The application, asked without a server."""

import pytest

import store
from run import app

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    with app.test_client(follow_redirects=True) as client:
        yield client


def test_added_note_is_shown_and_escaped(client):
    page = client.post("/", data={"text": "<Buy> milk"})

    assert page.url.path == "/notes/1"
    assert "&lt;Buy&gt; milk" in page.text
    assert "&lt;Buy&gt; milk" in client.get("/").text


def test_blank_note_is_refused(client):
    page = client.post("/", data={"text": " "})

    assert page.status_code == 422
    assert "Write something first." in page.text


def test_note_is_deleted_by_its_owner_alone(client):
    client.post("/", data={"text": "Mine"})
    with app.test_client() as stranger:
        assert stranger.post("/notes/1/delete").status_code == 403

    client.post("/notes/1/delete")

    assert client.get("/notes/1").status_code == 404


def test_picture_comes_back(client):
    page = client.post("/", data={"text": "Look"}, files={"picture": ("cat.png", PNG)})
    address = page.text.partition('<img src="')[2].partition('"')[0]

    picture = client.get(address)

    assert picture.content == PNG
    assert picture.headers["Content-Type"] == "image/png"


def test_file_that_is_no_picture_is_refused(client):
    page = client.post("/", data={"text": "Look"}, files={"picture": ("cat.png", b"<script>")})

    assert page.status_code == 415
    assert client.get("/api/notes").json() == []


def test_api_answers_in_json(client):
    added = client.post("/api/notes", json={"text": "Buy milk"})

    assert added.status_code == 201
    assert added.json() == {"id": 1, "text": "Buy milk", "url": "/api/notes/1"}
    assert client.get(added.headers["Location"]).json() == added.json()
    assert client.get("/api/notes/2").status_code == 404
    assert client.post("/api/notes", json=["Buy milk"]).status_code == 422
