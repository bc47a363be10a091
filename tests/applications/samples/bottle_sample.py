"""A small Bottle application with one route of each kind."""

from collections.abc import Iterator
from pathlib import Path

from bottle import (
    Bottle,
    HTTPResponse,
    SimpleTemplate,
    redirect,
    request,
    response,
    static_file,
)

HERE = Path(__file__).parent
TEMPLATE = (HERE / "templates" / "page.html").read_text()

application = Bottle()


def page() -> str:
    """A template, with text that HTML must escape and that is not ASCII."""
    name = request.query.getunicode("name", "")
    return str(SimpleTemplate(TEMPLATE).render(title="Käse & <Brot> €", name=name))


def plain() -> HTTPResponse:
    """Two fields of one name, and one in unusual case."""
    answer = HTTPResponse("plain\n", content_type="text/plain")
    answer.add_header("X-Two", "a")
    answer.add_header("X-Two", "b")
    answer.set_header("x-lower-CASE", "c")
    return answer


def form() -> dict[str, str]:
    """A form, url-encoded or multipart."""
    files = {name: f"{each.filename}:{each.file.read()!r}" for name, each in request.files.items()}
    return {**dict(request.forms.items()), **files}


def body() -> bytes:
    """The body as it came."""
    response.content_type = "application/octet-stream"
    received: bytes = request.body.read()
    return received


def elsewhere() -> None:
    """A redirect, relative to the request's own URL."""
    redirect("plain?a=1", 303)


def cookies() -> str:
    """Several cookies set, and those that came."""
    response.set_cookie("plain", "1")
    response.set_cookie("full", "a b;c", max_age=60, httponly=True, samesite="lax", path="/x")
    return repr(sorted(request.cookies.items()))


def error() -> str:
    """Fails, so that the framework answers."""
    raise ValueError("on purpose")


def stream() -> Iterator[bytes]:
    """Pieces without a length, an empty one among them."""
    response.content_type = "text/plain"
    yield b"first "
    yield b""
    yield b"x" * 20_000
    yield " last €".encode()


def stream_with_length() -> Iterator[bytes]:
    """Pieces whose sum is told."""
    response.set_header("Content-Length", "6")
    yield b"abc"
    yield b"def"


def static(name: str) -> object:
    """A file by `wsgi.file_wrapper`, conditions and ranges included."""
    return static_file(name, root=str(HERE / "files"))


def file() -> object:
    """A file with a name to save it under."""
    return static_file("style.css", root=str(HERE / "files"), download="stil.css")


def nothing() -> None:
    """204 No Content."""
    response.status = 204


def empty() -> str:
    """200 with a body of no bytes."""
    return ""


for methods, path, view in (
    (["GET"], "/", page),
    (["GET"], "/plain", plain),
    (["POST"], "/form", form),
    (["POST", "PUT", "PATCH", "DELETE"], "/body", body),
    (["GET"], "/redirect", elsewhere),
    (["GET"], "/cookies", cookies),
    (["GET"], "/error", error),
    (["GET"], "/stream", stream),
    (["GET"], "/stream-with-length", stream_with_length),
    (["GET"], "/static/<name>", static),
    (["GET"], "/file", file),
    (["GET"], "/nothing", nothing),
    (["GET"], "/empty", empty),
):
    application.route(path, method=methods, callback=view)
