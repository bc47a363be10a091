"""The pages for people."""

from secrets import token_hex

from wiverno import HTTPError, Response, Router

import pictures
import store

pages = Router(name="pages")


@pages.get("/")
def home(request):
    return home_page(request)


@pages.post("/")
def add(request):
    text = read_text(request)
    if not text:
        return 422, home_page(request, "Write something first.")
    owner = request.session.setdefault("visitor", token_hex(8))
    note = store.add(text, owner, pictures.keep(request.data.get("picture")))
    return Response.redirect(request.url_for("pages.show", id=note["id"]), 303)


@pages.get("/notes/{id:int}")
def show(request):
    note = find_note(request)
    return request.app.render("note.html", note=note, is_mine=is_mine(request, note))


@pages.post("/notes/{id:int}/delete")
def delete(request):
    note = find_note(request)
    if not is_mine(request, note):
        raise HTTPError(403, "Only whoever wrote a note may delete it.")
    store.remove(note["id"])
    return Response.redirect(request.url_for("pages.home"), 303)


def home_page(request, problem=""):
    return request.app.render("home.html", notes=store.all_notes(), problem=problem)


def find_note(request):
    note = store.find(request.path_params["id"])
    if note is None:
        raise HTTPError(404, f"There is no note {request.path_params['id']}.")
    return note


def is_mine(request, note):
    return note["owner"] == request.session.get("visitor")


def read_text(request):
    """The field `text` of a form or of JSON, empty if it is missing or no text."""
    data = request.data
    text = data.get("text") if isinstance(data, dict) else None
    return text.strip() if isinstance(text, str) else ""
