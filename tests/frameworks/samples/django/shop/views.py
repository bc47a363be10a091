"""One view of each kind."""

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST


def page(request):
    return render(request, "page.html", {"view": "view: first", "setting": settings.SETTING})


def item(request, number):
    return HttpResponse(f"item {number}")


@require_POST
def form(request):
    return HttpResponse(f"name {request.POST['name']}")


def error(request):
    raise LookupError("on purpose")


def stream(request):
    # Under ASGI Django takes what a plain iterator has to say before it sends the first piece.
    pieces = sent_later() if hasattr(request, "scope") else sent_now()
    return StreamingHttpResponse(pieces, content_type="text/plain")


def sent_now():
    for number in range(3):
        yield f"piece {number} "


async def sent_later():
    for piece in sent_now():
        yield piece
