"""Names and values of query strings and urlencoded forms."""

from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import parse_qsl

from wiverno.core.exceptions import ContentTooLargeError, HTTPError, RequestBodyError
from wiverno.core.http.charsets import checked_charset, decode

_T = TypeVar("_T")


class MultiDict(dict[str, _T]):
    """Names and their first values; `getlist` has the others."""

    def __init__(self, pairs: Iterable[tuple[str, _T]] = ()) -> None:
        super().__init__()
        self._lists: dict[str, list[_T]] = {}
        for name, value in pairs:
            self.setdefault(name, value)
            self._lists.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[_T]:
        """All values of `name` in the order they were sent, `[]` if there is none."""
        return list(self._lists.get(name, []))


class QueryDict(MultiDict[str]):
    """Names and first values of a query string or form; `getlist` has the others."""


def parse_query(text: str, max_fields: int) -> QueryDict:
    """Parse a decoded query string. What is no UTF-8 becomes U+FFFD.

    Raises `HTTPError` (400) for more than `max_fields` fields.
    """
    if _has_more(text, max_fields):
        raise HTTPError(400, f"The query string has more than {max_fields} fields.")
    return QueryDict(parse_qsl(text, keep_blank_values=True))


def parse_urlencoded(body: bytes, charset: str, max_fields: int) -> QueryDict:
    """Parse a form of the type `application/x-www-form-urlencoded`.

    Raises `RequestBodyError` for an unknown charset and for bytes that are not text in it,
    `ContentTooLargeError` for more than `max_fields` fields.
    """
    charset = checked_charset(charset)
    text = decode(body, charset, "The form")
    if _has_more(text, max_fields):
        raise ContentTooLargeError(
            f"The form has more than {max_fields} fields, the limit `max_fields`."
        )
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=charset, errors="strict")
    except UnicodeDecodeError:
        pairs = None
    if pairs is None:
        raise RequestBodyError(f"The form is not {charset}: a percent-encoded byte is no text.")
    return QueryDict(pairs)


def _has_more(text: str, max_fields: int) -> bool:
    # Before anything is split: a million empty fields cost one scan.
    return bool(text) and text.count("&") >= max_fields
