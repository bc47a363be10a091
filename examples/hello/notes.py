"""The notes of the hello application: a router in a module of its own."""

from html import escape
from typing import Any

from wiverno import Request, Router

notes = Router()

# In memory on purpose: a restart begins again with these.
_texts = ["Save a file.", "Reload the page.", "It is never stale."]


@notes.get("/")
def list_notes(request: Request) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in _texts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>notes</title></head>\n'
        f"<body><h1>Notes</h1><ol>{items}</ol>\n"
        '<form method="post"><input name="text"><button>Add</button></form></body></html>\n'
    )


@notes.get("/{number:int}")
def show_note(request: Request) -> dict[str, Any] | tuple[int, dict[str, Any]]:
    number = request.path_params["number"]
    if not 1 <= number <= len(_texts):
        return 404, {"error": f"There is no note {number}."}
    return {"number": number, "text": _texts[number - 1]}


@notes.post("/")
def add_note(request: Request) -> tuple[int, dict[str, Any]]:
    text = request.data.get("text", "").strip()
    if not text:
        return 400, {"error": "Send text=..., as a form or as JSON."}
    _texts.append(text)
    return 201, {"number": len(_texts), "text": text}
