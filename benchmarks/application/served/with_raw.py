"""No framework: what the call itself costs, and no route is looked for."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.application.scenarios import HELLO, NOT_FOUND, VALUE, Kind, Scenario, id_in

_STATUSES = {200: "200 OK", 404: "404 Not Found"}


def make(scenario: Scenario) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    status = _STATUSES[scenario.status]
    content_type = scenario.content_type
    text_of = _not_found if scenario.status == 404 else _TEXTS[scenario.kind]

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = text_of(environ["PATH_INFO"]).encode()
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _not_found(path: str) -> str:
    return NOT_FOUND


def _hello(path: str) -> str:
    return HELLO


def _value(path: str) -> str:
    return json.dumps(VALUE)


def _number(path: str) -> str:
    return str(int(id_in(path)) + 1)


_TEXTS = {Kind.HELLO: _hello, Kind.PAGE: _hello, Kind.VALUE: _value, Kind.NUMBER: _number}
