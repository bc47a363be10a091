"""Flask."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response

from benchmarks.application.scenarios import HELLO, NOT_FOUND, VALUE, Kind, Scenario


def make(scenario: Scenario) -> Flask:
    # No folder of static files, so no route for them.
    app = Flask(__name__, static_folder=None)
    app.register_error_handler(404, _not_found)
    for route in scenario.routes:
        path = route.replace("{id:int}", "<int:id>").replace("{name}", "<name>")
        # An endpoint of its own for each, as with a function for each.
        app.add_url_rule(path, endpoint=path, view_func=_VIEWS[scenario.kind])
    return app


def _not_found(error: Exception) -> Response:
    return Response(NOT_FOUND, 404, mimetype="text/plain")


def _hello() -> Response:
    return Response(HELLO, mimetype="text/plain")


def _page() -> str:
    return HELLO


def _number(id: int, name: str = "") -> Response:
    return Response(str(id + 1), mimetype="text/plain")


def _value() -> dict[str, Any]:
    return VALUE


_VIEWS: dict[Kind, Callable[..., Any]] = {
    Kind.HELLO: _hello,
    Kind.PAGE: _page,
    Kind.NUMBER: _number,
    Kind.VALUE: _value,
}
