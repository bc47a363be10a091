"""A small application. `wiverno run dev` in this folder serves it.

Then change a text here or in `notes.py`, save, and reload the page.
"""

from html import escape

from notes import notes

from wiverno import Request, Wiverno

app = Wiverno()
app.include_router(notes, prefix="/notes")


@app.get("/")
def home(request: Request) -> str:
    name = request.query_params.get("name", "world")
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>hello</title></head>\n'
        f"<body><h1>Hello, {escape(name)}!</h1>\n"
        '<p><a href="/?name=you">Hello, you</a> · <a href="/notes">notes</a> · '
        '<a href="/health">health</a></p></body></html>\n'
    )


@app.get("/health")
def health(request: Request) -> dict[str, str]:
    return {"status": "ok"}
