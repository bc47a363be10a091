"""Bottle: an application object, not the default one."""

from collections.abc import Callable
from typing import Any

import bottle

from benchmarks.application.scenarios import HELLO, NOT_FOUND, TEXT, VALUE, Kind, Scenario


def make(scenario: Scenario) -> Any:
    app = bottle.Bottle()
    app.error(404, callback=_not_found)
    for route in scenario.routes:
        path = route.replace("{id:int}", "<id:int>").replace("{name}", "<name>")
        app.get(path, callback=_VIEWS[scenario.kind])
    return app


def _not_found(error: Any) -> str:
    bottle.response.content_type = TEXT
    return NOT_FOUND


def _hello() -> str:
    bottle.response.content_type = TEXT
    return HELLO


def _page() -> str:
    return HELLO


def _number(id: int, name: str = "") -> str:
    bottle.response.content_type = TEXT
    return str(id + 1)


def _value() -> dict[str, Any]:
    return VALUE


_VIEWS: dict[Kind, Callable[..., Any]] = {
    Kind.HELLO: _hello,
    Kind.PAGE: _page,
    Kind.NUMBER: _number,
    Kind.VALUE: _value,
}
