"""The notes for programs, as JSON."""

from wiverno import HTTPError, Router

import store
from pages import find_note, read_text

api = Router(name="api")


@api.get("/notes")
def list_notes(request):
    return [described(request, note) for note in store.all_notes()]


@api.post("/notes")
def add_note(request):
    text = read_text(request)
    if not text:
        raise HTTPError(422, 'Send a text, as in {"text": "Buy milk"}.')
    note = described(request, store.add(text))
    return 201, note, {"Location": note["url"]}


@api.get("/notes/{id:int}")
def show_note(request):
    return described(request, find_note(request))


def described(request, note):
    url = request.url_for("api.show_note", id=note["id"])
    return {"id": note["id"], "text": note["text"], "url": url}
