"""Cookies out of a Cookie header."""


def parse_cookies(header: str) -> dict[str, str]:
    """Read a Cookie header, leniently: one odd cookie must not hide the others.

    The first of two cookies with one name wins: browsers send the one with
    the longer path first (RFC 6265 5.4).
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            cookies.setdefault(name.strip(), _unquoted(value.strip()))
    return cookies


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if is_quoted else value
