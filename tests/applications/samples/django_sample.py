"""A small Django project in one file, with one route of each kind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe
from django.views.static import serve

HERE = Path(__file__).parent

settings.configure(
    ALLOWED_HOSTS=["*"],
    # A test's, which protects nothing.
    SECRET_KEY="not secret",
    ROOT_URLCONF=__name__,
    # Without CSRF: its token is another one each time.
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [HERE / "templates"],
        }
    ],
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()


def page(request: Any) -> Any:
    """A template, with text that HTML must escape and that is not ASCII."""
    values = {"title": "Käse & <Brot> €", "name": request.GET.get("name", "")}
    return render(request, "page.html", values)


def plain(request: Any) -> Any:
    """One field in unusual case."""
    response = HttpResponse("plain\n", content_type="text/plain")
    response["x-lower-CASE"] = "c"
    return response


def form(request: Any) -> Any:
    """A form, url-encoded or multipart."""
    files = {name: f"{file.name}:{file.read()!r}" for name, file in request.FILES.items()}
    return JsonResponse({**request.POST.dict(), **files})


def body(request: Any) -> Any:
    """The body as it came."""
    return HttpResponse(request.body, content_type="application/octet-stream")


def elsewhere(request: Any) -> Any:
    """A redirect to a place that is not ASCII."""
    return HttpResponseRedirect("/plätze?a=1", status=303)


def cookies(request: Any) -> Any:
    """Several cookies set, and those that came."""
    response = HttpResponse(repr(sorted(request.COOKIES.items())))
    response.set_cookie("plain", "1")
    response.set_cookie("full", "a b;c", httponly=True, samesite="Lax", path="/x")
    response.delete_cookie("gone")
    return response


def error(request: Any) -> Any:
    """Fails, so that the framework answers."""
    raise ValueError("on purpose")


def _pieces() -> Iterator[bytes]:
    yield b"first "
    yield b""
    yield b"x" * 20_000
    yield " last €".encode()


def stream(request: Any) -> Any:
    """Pieces without a length, an empty one among them."""
    return StreamingHttpResponse(_pieces(), content_type="text/plain")


def stream_with_length(request: Any) -> Any:
    """Pieces whose sum is told."""
    response = StreamingHttpResponse(iter([b"abc", b"def"]))
    response["Content-Length"] = "6"
    return response


def file(request: Any) -> Any:
    """A file by `wsgi.file_wrapper`, with a name to save it under."""
    style = (HERE / "files" / "style.css").open("rb")
    return FileResponse(style, as_attachment=True, filename="stil ä.css")


def nothing(request: Any) -> Any:
    """204 No Content."""
    return HttpResponse(status=204)


def empty(request: Any) -> Any:
    """200 with a body of no bytes."""
    return HttpResponse()


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "": page,
    "plain": require_safe(plain),
    "form": require_POST(form),
    "body": body,
    "redirect": elsewhere,
    "cookies": cookies,
    "error": error,
    "stream": stream,
    "stream-with-length": stream_with_length,
    "file": file,
    "nothing": nothing,
    "empty": empty,
}
urlpatterns = [
    *(path(route, view) for route, view in _VIEWS.items()),
    path("static/<path:path>", serve, {"document_root": HERE / "files"}),
]
application = get_wsgi_application()
