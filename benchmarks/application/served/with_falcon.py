"""Falcon: a resource object for each route."""

from typing import Any

import falcon

from benchmarks.application.scenarios import HELLO, NOT_FOUND, VALUE, Kind, Scenario


def make(scenario: Scenario) -> Any:
    app = falcon.App()
    app.add_error_handler(falcon.HTTPNotFound, _not_found)
    for route in scenario.routes:
        app.add_route(route, _RESOURCES[scenario.kind]())
    return app


def _not_found(request: Any, response: Any, error: Exception, params: Any) -> None:
    response.status = falcon.HTTP_404
    response.content_type = falcon.MEDIA_TEXT
    response.text = NOT_FOUND


class _Hello:
    def on_get(self, request: Any, response: Any) -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = HELLO


class _Page:
    def on_get(self, request: Any, response: Any) -> None:
        response.content_type = falcon.MEDIA_HTML
        response.text = HELLO


class _Number:
    def on_get(self, request: Any, response: Any, id: int, name: str = "") -> None:
        response.content_type = falcon.MEDIA_TEXT
        response.text = str(id + 1)


class _Value:
    def on_get(self, request: Any, response: Any) -> None:
        response.media = VALUE


_RESOURCES: dict[Kind, Any] = {
    Kind.HELLO: _Hello,
    Kind.PAGE: _Page,
    Kind.NUMBER: _Number,
    Kind.VALUE: _Value,
}
