"""How an application is called: the same environ, the same work around it for every one."""

import io
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.application.scenarios import JSON, Scenario

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class WrongAnswerError(Exception):
    """It answers something else, and would be measured for that."""


def environ_for(path: str) -> Environ:
    """What a server gives for a GET of a simple client (PEP 3333)."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "HTTP_HOST": "localhost:8000",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def environs_for(scenario: Scenario) -> list[Environ]:
    return [environ_for(path) for path in scenario.paths]


def check(application: Application, scenario: Scenario) -> None:
    """Raises WrongAnswerError unless every answer is the one that everybody gives."""
    for path in scenario.paths:
        status, headers, body = _ask(application, path)
        told = f"{scenario.name}: {status}, {headers}, {body[:100]!r} for {path}"
        if not status.startswith(f"{scenario.status} "):
            raise WrongAnswerError(told)
        named = {name.lower(): value for name, value in headers}
        # Content types compare without regard to case (RFC 9110 8.3).
        if named.get("content-type", "").lower() != scenario.content_type:
            raise WrongAnswerError(told)
        if named.get("content-length") != str(len(body)):
            raise WrongAnswerError(told)
        if not _is_same(body, scenario.answer(path), scenario.content_type):
            raise WrongAnswerError(told)


def time_calls(application: Application, environs: Sequence[Environ], calls: int) -> float:
    """Seconds for so many calls, whose bodies are read and closed as a server does.

    Each call gets a copy of an environ: frameworks keep things in it.
    """
    turns = itertools.islice(itertools.cycle(environs), calls)
    began = time.perf_counter()
    for environ in turns:
        body = application(environ.copy(), _ignore)
        b"".join(body)
        if hasattr(body, "close"):
            body.close()
    return time.perf_counter() - began


def calls_for(application: Application, environs: Sequence[Environ], seconds: float) -> int:
    """How many calls take about so long; whole turns through the environs. Warms up, too."""
    calls = len(environs)
    while (took := time_calls(application, environs, calls)) < seconds / 2:
        calls *= 2
    return max(1, round(calls * seconds / took / len(environs))) * len(environs)


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
    """The `start_response` of a server that does nothing with it."""


def _ask(application: Application, path: str) -> tuple[str, list[tuple[str, str]], bytes]:
    told: list[Any] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> None:
        told[:] = [status, list(headers)]

    body = application(environ_for(path), start_response)
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return told[0], told[1], content


def _is_same(body: bytes, wanted: bytes, content_type: str) -> bool:
    if content_type != JSON:
        return body == wanted
    # Each writes JSON in its own way, with spaces or without.
    return bool(json.loads(body) == json.loads(wanted))
