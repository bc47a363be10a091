"""The pages that answer when no view does: HTML for browsers, JSON for programs, or text.

Pure. Nothing of the application is shown unless debug details are given.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from wiverno.core.http.accept import best_match, parse_accept
from wiverno.core.http.error_content import (
    MAX_ROUTES_SHOWN,
    DebugDetails,
    ErrorContent,
    ListedRoute,
    closest_routes,
    error_content,
)
from wiverno.core.http.html_page import render_html

__all__ = ["DebugDetails", "ListedRoute", "error_page"]


def error_page(
    status_code: int,
    message: str = "",
    *,
    accept: str = "",
    allowed: Iterable[str] = (),
    debug: DebugDetails | None = None,
) -> tuple[str, bytes]:
    """The Content-Type and body of the page for an error.

    `message` is for whoever sent the request; without one a neutral sentence stands there.
    `accept` is the Accept header, which chooses the form: the response varies by it.
    JSON has the members of RFC 9457. `allowed` are the methods of a 405.

    >>> error_page(404, accept="text/plain")
    ('text/plain; charset=utf-8', b'404 Not Found\\n\\nThere is nothing at this address.\\n')
    """
    media_type = preferred_type(accept)
    text = _RENDERERS[media_type](error_content(status_code, message, allowed, debug))
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    # A lone surrogate, as in the name of a file that is no UTF-8, must not spoil the page.
    return f"{media_type}{charset}", text.encode("utf-8", "backslashreplace")


def preferred_type(accept: str) -> str:
    """The form that an Accept header asks for (RFC 9110 12.5.1); HTML where all are equal."""
    best = best_match(accept, list(_RENDERERS))
    if best is None and any(each.media_type.endswith("+json") for each in parse_accept(accept)):
        # A program that wants JSON of its own kind reads this rather than HTML.
        return "application/json"
    return best or "text/html"


def _render_json(content: ErrorContent) -> str:
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": content.title,
        "status": content.status_code,
        "detail": content.message,
    }
    if content.allowed:
        problem["allowed"] = list(content.allowed)
    if content.debug:
        problem["debug"] = _debug_values(content.debug)
    return json.dumps(problem, indent=2) + "\n"


def _debug_values(debug: DebugDetails) -> dict[str, Any]:
    values: dict[str, Any] = {"method": debug.method, "path": debug.path}
    if debug.routes:
        values["routes"] = [asdict(route) for route in closest_routes(debug.path, debug.routes)]
    if debug.failure:
        values.update(asdict(debug.failure))
    return values


def _render_text(content: ErrorContent) -> str:
    return "\n".join(_text_lines(content)) + "\n"


def _text_lines(content: ErrorContent) -> Iterator[str]:
    yield f"{content.status_code} {content.title}"
    yield from ("", content.message)
    if content.allowed:
        yield from ("", f"Allowed: {', '.join(content.allowed)}")
    debug = content.debug
    if debug:
        yield from ("", f"{debug.method} {debug.path}")
    if debug and debug.routes:
        yield from ("", "Routes, closest first:", "", *_route_lines(debug))
    if debug and debug.failure:
        yield from ("", debug.failure.traceback.rstrip())


def _route_lines(debug: DebugDetails) -> Iterator[str]:
    routes = closest_routes(debug.path, debug.routes)
    shown = routes[:MAX_ROUTES_SHOWN]
    width = max(len(route.path) for route in shown)
    for route in shown:
        yield f"  {route.path:{width}}  {', '.join(route.methods) or 'any method'}"
    if len(routes) > len(shown):
        yield f"  and {len(routes) - len(shown)} more"


# In the order of preference: on a tie the first one wins.
_RENDERERS: dict[str, Callable[[ErrorContent], str]] = {
    "text/html": render_html,
    "application/json": _render_json,
    "application/problem+json": _render_json,
    "text/plain": _render_text,
}
