"""A small Flask application with one route of each kind."""

from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, make_response, redirect, render_template, request, send_file
from werkzeug.wrappers import Response as BaseResponse

HERE = Path(__file__).parent

application = Flask(
    __name__, static_folder=HERE / "files", static_url_path="/static", template_folder="templates"
)


@application.get("/")
def page() -> str:
    """A template, with text that HTML must escape and that is not ASCII."""
    return render_template("page.html", title="Käse & <Brot> €", name=request.args.get("name", ""))


@application.get("/plain")
def plain() -> Response:
    """Two fields of one name, and one in unusual case."""
    response = Response("plain\n", mimetype="text/plain")
    response.headers.add("X-Two", "a")
    response.headers.add("X-Two", "b")
    response.headers["x-lower-CASE"] = "c"
    return response


@application.post("/form")
def form() -> dict[str, str]:
    """A form, url-encoded or multipart."""
    files = {name: f"{file.filename}:{file.read()!r}" for name, file in request.files.items()}
    return {**request.form.to_dict(), **files}


@application.route("/body", methods=["POST", "PUT", "PATCH", "DELETE"])
def body() -> Response:
    """The body as it came."""
    return Response(request.get_data(), mimetype="application/octet-stream")


@application.get("/redirect")
def elsewhere() -> BaseResponse:
    """A redirect to a place that is not ASCII."""
    return redirect("/plätze?a=1", 303)


@application.get("/cookies")
def cookies() -> Response:
    """Several cookies set, and those that came."""
    response = make_response(repr(sorted(request.cookies.items())))
    response.set_cookie("plain", "1")
    response.set_cookie("full", "a b;c", max_age=60, httponly=True, samesite="Lax", path="/x")
    response.delete_cookie("gone")
    return response


@application.get("/error")
def error() -> str:
    """Fails, so that the framework answers."""
    raise ValueError("on purpose")


@application.get("/stream")
def stream() -> Response:
    """Pieces without a length, an empty one among them."""

    def pieces() -> Iterator[bytes]:
        yield b"first "
        yield b""
        yield b"x" * 20_000
        yield " last €".encode()

    return Response(pieces(), mimetype="text/plain")


@application.get("/stream-with-length")
def stream_with_length() -> Response:
    """Pieces whose sum is told."""
    return Response(iter([b"abc", b"def"]), headers={"Content-Length": "6"})


@application.get("/file")
def file() -> Response:
    """A file by `wsgi.file_wrapper`, with a name to save it under."""
    return send_file(HERE / "files" / "style.css", as_attachment=True, download_name="stil ä.css")


@application.get("/nothing")
def nothing() -> tuple[str, int]:
    """204 No Content."""
    return "", 204


@application.get("/empty")
def empty() -> str:
    """200 with a body of no bytes."""
    return ""
