"""Text out of an environ: the latin-1 tunnel of PEP 3333, headers, the URL."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from wiverno.core.http.headers import Headers
from wiverno.core.wsgi_types import Environ

# RFC 3986 3.2.2: a registered name, an IPv4 or an IPv6 address, and a port.
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?%[]"


def decoded(wsgi_text: str) -> str:
    """Undo the latin-1 tunnel of PEP 3333, in which bytes travel as text."""
    if wsgi_text.isascii():
        return wsgi_text
    return wsgi_text.encode("latin-1").decode("utf-8", "replace")


def headers_of(environ: Environ) -> Headers:
    """The request headers."""
    return Headers(dict(_header_items(environ)))


def host_of(environ: Environ) -> str:
    """The host and port that the client asked for.

    A Host header that is none is not believed: the server's own name takes its place, since
    this text ends up in links.
    """
    host = str(environ.get("HTTP_HOST", ""))
    if _HOST.fullmatch(host):
        return host
    name, port = str(environ.get("SERVER_NAME", "")), str(environ.get("SERVER_PORT", ""))
    if ":" in name:
        name = f"[{name}]"
    is_default = port == _DEFAULT_PORTS.get(str(environ.get("wsgi.url_scheme", "http")))
    return name if is_default or not port else f"{name}:{port}"


def prefix_of(environ: Environ) -> str:
    """Where the application is mounted, percent-encoded: empty, or as in `/admin`."""
    prefix = str(environ.get("SCRIPT_NAME", ""))
    return quote(prefix.encode("latin-1"), _PATH_CHARACTERS) if prefix else ""


def url_of(environ: Environ) -> str:
    """The URL as PEP 3333 puts it together again, percent-encoded."""
    path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    query = str(environ.get("QUERY_STRING", ""))
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    url = f"{scheme}://{host_of(environ)}{quote(path.encode('latin-1'), _PATH_CHARACTERS) or '/'}"
    return f"{url}?{quote(query.encode('latin-1'), _QUERY_CHARACTERS)}" if query else url


def _header_items(environ: Environ) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-"), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-"), value
