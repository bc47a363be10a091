"""From what a view returns to status, headers and bytes."""

import json
from dataclasses import dataclass

from wiverno.core.exceptions import InvalidViewResultError
from wiverno.core.http.statuses import allows_content, status_line
from wiverno.core.wsgi_types import HeaderList

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response, ready for `start_response`."""

    status: str
    headers: HeaderList
    body: bytes


def response_from(result: object) -> Response:
    """Turn a body, or `(status, body)`, into a response.

    Text is UTF-8 HTML, bytes are sent as they are, a dict or list becomes JSON.
    Raises `InvalidHTTPStatusError` or `InvalidViewResultError`.
    """
    if isinstance(result, tuple):
        if len(result) != 2:
            raise InvalidViewResultError(
                f"A view returned a tuple of {len(result)}. Return a body, or (status, body)."
            )
        line, body = status_line(result[0]), result[1]
    else:
        line, body = "200 OK", result
    if not allows_content(line):
        # RFC 9110 8.6 and 15.3.5: no Content-Length either, since there is no content at all.
        return Response(line, [], b"")
    # RFC 9110 15.3.6: a 205 has content by its headers, and that content is empty.
    content, content_type = _encoded("" if line.startswith("205") else body)
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
    return Response(line, headers, content)


def _encoded(body: object) -> tuple[bytes, str]:
    if isinstance(body, str):
        return body.encode("utf-8"), _HTML
    if isinstance(body, bytes):
        return body, _HTML
    if isinstance(body, dict | list):
        return json.dumps(body).encode("utf-8"), _JSON
    raise InvalidViewResultError(
        f"A view returned {'None' if body is None else f'a {type(body).__name__}'} as body. "
        "Return a str, bytes, dict or list, alone or as (status, body)."
    )
