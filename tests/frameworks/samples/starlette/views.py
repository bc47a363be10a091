"""One view of each kind."""

from starlette.config import Config
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.templating import Jinja2Templates

config = Config("settings.env")
SETTING = config("SETTING")
templates = Jinja2Templates("templates")


async def page(request):
    values = {"view": "view: first", "setting": SETTING}
    return templates.TemplateResponse(request, "page.html", values)


async def item(request):
    return PlainTextResponse(f"item {request.path_params['number']}")


async def form(request):
    async with request.form() as fields:
        return PlainTextResponse(f"name {fields['name']}")


async def error(request):
    raise LookupError("on purpose")


async def stream(request):
    pieces = (f"piece {number} " for number in range(3))
    return StreamingResponse(pieces, media_type="text/plain")
