"""Text with line ends in it, put into a response by every public way: no header of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.application.wsgi_client import Reply, call
from tests.core.server.serving import ServerThread, get
from wiverno import HTTPError, Request, Response, Wiverno
from wiverno.core.exceptions import MethodNotAllowedError, RouteDefinitionError
from wiverno.core.server import RunServer

INJECTED = "X-Injected: 1"
TEXTS = [
    f"a\r\n{INJECTED}",
    f"a\n{INJECTED}",
    f"a\r{INJECTED}",
    f"a\r\n\r\n<script>{INJECTED}",
    f"a\x00{INJECTED}",
    f"a\x0b{INJECTED}",
    f"a\x85{INJECTED}",
    f"a\u2028{INJECTED}",
    # Written as bytes by their lower half these are line ends.
    f"a\u560d\u560a{INJECTED}",
    f"a\u010d\u010a{INJECTED}",
    f"a\ud800\n{INJECTED}",
]
View = Callable[[str], Any]


def _with(change: Callable[[Response], object]) -> Response:
    response = Response("body")
    change(response)
    return response


def _raise(error: Exception) -> Any:
    raise error


def _set(response: Response, text: str) -> None:
    response.headers["X-Own"] = text


def _set_status(response: Response, text: str) -> None:
    response.status = f"299 {text}"


def _cookie(name: str = "c", value: str = "v", **attributes: Any) -> Response:
    return _with(lambda response: response.set_cookie(name, value, **attributes))


def _not_a_cookie(name: str = "c", **scope: Any) -> Response:
    return _with(lambda response: response.delete_cookie(name, **scope))


REFUSED: dict[str, View] = {
    "status": lambda text: (f"299 {text}", "body"),
    "status of a response": lambda text: Response("body", f"299 {text}"),
    "status, set": lambda text: _with(lambda response: _set_status(response, text)),
    "status itself": lambda text: (f"200{text}", "body"),
    "value in a dict": lambda text: (200, "body", {"X-Own": text}),
    "value in pairs": lambda text: (200, "body", [("X-Own", text)]),
    "name in a dict": lambda text: (200, "body", {text: "1"}),
    "name in pairs": lambda text: (200, "body", [(text, "1")]),
    "value of a response": lambda text: Response("body", 200, {"X-Own": text}),
    "name of a response": lambda text: Response("body", 200, {text: "1"}),
    "value, set": lambda text: _with(lambda response: _set(response, text)),
    "value, added": lambda text: _with(lambda response: response.headers.add("X-Own", text)),
    "value, updated": lambda text: _with(lambda response: response.headers.update({"X": text})),
    "value, default": lambda text: _with(lambda response: response.headers.setdefault("X", text)),
    "name, added": lambda text: _with(lambda response: response.headers.add(text, "1")),
    "json": lambda text: Response.json({}, headers={"X-Own": text}),
    "content type": lambda text: Response("body", content_type=text),
    "content type, header": lambda text: (200, "body", {"Content-Type": f"text/html;{text}"}),
    "content length": lambda text: (200, "body", {"Content-Length": f"4{text}"}),
    "cookie name": lambda text: _cookie(text),
    "cookie value": lambda text: _cookie("c", text),
    "cookie path": lambda text: _cookie(path=f"/{text}"),
    "cookie domain": lambda text: _cookie(domain=text),
    "cookie samesite": lambda text: _cookie(samesite=text),
    "cookie taken away": lambda text: _not_a_cookie(text),
    "cookie taken away, path": lambda text: _not_a_cookie(path=f"/{text}"),
    "cookie taken away, domain": lambda text: _not_a_cookie(domain=text),
    "type of a file": lambda text: Response.file(__file__, content_type=text),
    "error, header": lambda text: _raise(HTTPError(404, "no", {"X-Own": text})),
    "error, header name": lambda text: _raise(HTTPError(404, "no", {text: "1"})),
    "error, allowed": lambda text: _raise(MethodNotAllowedError(["GET", text])),
}
# They have a way to say any text, or say it in the body.
ENCODED: dict[str, View] = {
    "right phrase": lambda text: (f"200 {text}", "body"),
    "redirect": lambda text: Response.redirect(f"/{text}"),
    "redirect elsewhere": lambda text: Response.redirect(f"https://example.com?{text}"),
    "download": lambda text: Response.file(__file__, download_name=text),
    "error, message": lambda text: _raise(HTTPError(404, text)),
    "body": lambda text: text,
    "json body": lambda text: {text: text},
}


def _answering(result: Callable[[], Any]) -> Wiverno:
    app = Wiverno(debug_mode=False)
    app.add_route("/", lambda request: result())
    return app


def _assert_clean(reply: Reply) -> None:
    assert "injected" not in {name.lower().removeprefix("x-") for name, _ in reply.header_list}
    whole = reply.status + "".join(name + value for name, value in reply.header_list)
    assert not {"\r", "\n", "\0"} & set(whole)
    assert max(whole) <= "\xff"


@pytest.mark.parametrize("way", REFUSED)
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_when_a_header_cannot_hold_it_is_refused(
    way: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    reply = call(_answering(lambda: REFUSED[way](text)))

    assert reply.status == "500 Internal Server Error"
    _assert_clean(reply)
    assert INJECTED not in reply.text


@pytest.mark.parametrize("way", ENCODED)
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_when_a_header_has_a_spelling_for_it_is_one_value(
    way: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    reply = call(_answering(lambda: ENCODED[way](text)))

    assert reply.code in (200, 302, 404, 500)
    _assert_clean(reply)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_url_when_built_of_any_text_fits_into_a_header(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = Wiverno(debug_mode=False)
    app.get("/show/{name}", name="show")(lambda request: request.path_params["name"])

    @app.get("/")
    def link(request: Request) -> Any:
        url = request.url_for("show", name=text, query=text)
        return 200, url, {"Link": url, "Location": app.url_for("show", name=text)}

    reply = call(app)

    if "\ud800" in text:  # No URL has half of a character.
        assert reply.status == "500 Internal Server Error"
        return
    assert reply.status == "200 OK"
    _assert_clean(reply)
    assert reply.text == reply.headers["Link"]
    assert reply.text.isascii()


@pytest.mark.parametrize("text", TEXTS[:3], ids=ascii)
def test_header_when_a_hook_or_handler_sets_it_is_refused_all_the_same(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, after, handled = (_answering(lambda: "body") for _ in range(3))
    before.before_request(lambda request: (200, "body", {"X-Own": text}))
    after.after_request(lambda request, response: _set(response, text))
    handled.error_handler(404)(lambda request, error: (404, "body", {"X-Own": text}))

    replies = [call(before), call(after), call(handled, "GET", "/nothing")]

    assert [reply.code for reply in replies] == [500, 500, 500]
    for reply in replies:
        _assert_clean(reply)


@pytest.mark.parametrize("text", TEXTS[:3], ids=ascii)
def test_method_when_registered_with_line_ends_is_refused(text: str) -> None:
    with pytest.raises(RouteDefinitionError):
        Wiverno().add_route("/", lambda request: "", methods=["GET", text])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServerThread]:
    """An application whose view puts the query into what its path says."""
    app = Wiverno(debug_mode=False)

    @app.get("/{way:path}")
    def view(request: Request) -> Any:
        way, text = request.path_params["way"], request.query_params["text"]
        return (REFUSED | ENCODED)[way.replace("+", " ")](text)

    server = ServerThread(RunServer(app, port=0))
    yield server
    server.stop()


@pytest.mark.parametrize(
    "way", ["status", "value in a dict", "cookie value", "redirect", "download", "error, message"]
)
def test_text_when_sent_over_the_wire_writes_no_header(
    served: ServerThread, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    for text in (
        "%0d%0aX-Injected:%201",
        "%0aX-Injected:%201",
        "%e5%98%8d%e5%98%8aX-Injected:%201",
    ):
        with served.connect() as client:
            answer = client.ask(get(f"/{way.replace(' ', '+')}?text=a{text}"))

            assert "x-injected" not in answer.headers
            assert answer.status in (200, 302, 404, 500)
            # Nothing of it is left on the connection, where it would be the next answer.
            assert client.ask(get("/body?text=next")).body == b"next"
