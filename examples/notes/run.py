"""The application `app`, which `wiverno run dev` and `wiverno run prod` look for here."""

import os

from wiverno import Wiverno

import store
from api import api
from pages import pages
from pictures import pictures

secret = os.environ.get("NOTES_SECRET")

app = Wiverno(debug_mode=secret is None, system_template_path="templates")
app.use_sessions(secret or "only for development")
app.on_startup(store.prepare)
app.add_static("/static", "static")
app.include_router(pages)
app.include_router(pictures, prefix="/pictures")
app.include_router(api, prefix="/api")
