"""Where a redirect leads: the Location header and the page for those who do not follow it."""

from html import escape
from urllib.parse import quote, urlsplit

from wiverno.core.exceptions import InvalidHeaderError, InvalidHTTPStatusError

REDIRECT_STATUSES = (301, 302, 303, 307, 308)

# All that RFC 3986 knows, and `%` for what is encoded already. Not `\`, which browsers take
# for a slash: `/\host` would lead away from this site.
_URI_CHARACTERS = "%!#$&'()*+,/:;=?@[]~"


def checked_redirect_status(status: int) -> int:
    """`status`, or `InvalidHTTPStatusError` if a browser would not follow it."""
    if status not in REDIRECT_STATUSES:
        known = ", ".join(map(str, REDIRECT_STATUSES))
        raise InvalidHTTPStatusError(f"Status {status!r} is not a redirect. Use one of {known}.")
    return status


def encoded_location(location: str) -> str:
    """A location as a URI reference: other characters percent-encoded as UTF-8.

    Raises `InvalidHeaderError` for control characters, which browsers would drop or obey.

    >>> encoded_location("/Straße?q=ä b")
    '/Stra%C3%9Fe?q=%C3%A4%20b'
    """
    if not _is_clean(location):
        raise InvalidHeaderError(
            f"Location {location!r} is not a URL: it holds control characters or is no str. "
            "Percent-encode what comes from outside with urllib.parse.quote."
        )
    try:
        return quote(location, safe=_URI_CHARACTERS)
    except UnicodeEncodeError as error:
        raise InvalidHeaderError(
            f"Location {location!r} holds half of a character (a surrogate), which UTF-8 cannot "
            "say. Decode it properly first."
        ) from error


def redirect_page(location: str) -> str:
    """A page with a link to `location`, for clients that do not follow redirects."""
    text = escape(location)
    # A link with `javascript:` would run when it is clicked, in the name of this site.
    link = f'<a href="{text}">{text}</a>' if _is_web_address(location) else text
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Moved</title></head>\n'
        f"<body>\n<p>This is at {link}.</p>\n</body></html>\n"
    )


def _is_clean(location: object) -> bool:
    return isinstance(location, str) and not any(
        ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in location
    )


def _is_web_address(location: str) -> bool:
    try:
        return urlsplit(location).scheme in ("", "http", "https")
    except ValueError:  # A bracket without its other one.
        return False
