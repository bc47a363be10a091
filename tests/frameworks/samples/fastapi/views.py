"""One view of each kind."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from fastapi.templating import Jinja2Templates
from settings import settings

pages = APIRouter()
templates = Jinja2Templates("templates")


@pages.get("/", response_class=HTMLResponse)
def page(request: Request):
    values = {"view": "view: first", "setting": settings.setting}
    return templates.TemplateResponse(request, "page.html", values)


@pages.get("/items/{number}", response_class=PlainTextResponse)
async def item(number: int):
    return f"item {number}"


@pages.post("/form", response_class=PlainTextResponse)
async def form(name: Annotated[str, Form()]):
    return f"name {name}"


@pages.get("/error")
async def error():
    raise LookupError("on purpose")


@pages.get("/stream")
async def stream():
    pieces = (f"piece {number} " for number in range(3))
    return StreamingResponse(pieces, media_type="text/plain")
