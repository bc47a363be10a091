"""wiverno: the source of this checkout."""

from collections.abc import Callable
from typing import Any

from benchmarks.application.scenarios import HELLO, NOT_FOUND, TEXT, VALUE, Kind, Scenario
from wiverno.core.requests import Request
from wiverno.main import Wiverno


def make(scenario: Scenario) -> Wiverno:
    app = Wiverno(debug_mode=False, page_404=_not_found)
    for route in scenario.routes:
        app.get(route)(_VIEWS[scenario.kind])
    return app


def _not_found(request: Request) -> tuple[int, str, dict[str, str]]:
    return 404, NOT_FOUND, {"Content-Type": TEXT}


def _hello(request: Request) -> tuple[int, str, dict[str, str]]:
    return 200, HELLO, {"Content-Type": TEXT}


def _page(request: Request) -> str:
    return HELLO


def _number(request: Request) -> tuple[int, str, dict[str, str]]:
    return 200, str(request.path_params["id"] + 1), {"Content-Type": TEXT}


def _value(request: Request) -> dict[str, Any]:
    return VALUE


_VIEWS: dict[Kind, Callable[[Request], Any]] = {
    Kind.HELLO: _hello,
    Kind.PAGE: _page,
    Kind.NUMBER: _number,
    Kind.VALUE: _value,
}
