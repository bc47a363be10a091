"""Conditional requests: has the client what it asks for already? (RFC 9110 section 13)"""

import re
from dataclasses import dataclass

from wiverno.core.http.dates import parse_date

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one version of a resource from another; None where the response lacks it."""

    etag: str | None = None
    modified: int | None = None
    """Last-Modified in seconds since 1970."""

    @classmethod
    def read(cls, etag: str | None, last_modified: str | None) -> "Validators":
        """From the headers ETag and Last-Modified; one that is not valid counts as missing."""
        is_tag = etag is not None and _ENTITY_TAG.fullmatch(etag)
        return cls(etag if is_tag else None, _date(last_modified))

    @property
    def exist(self) -> bool:
        return self.etag is not None or self.modified is not None


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The headers of a request that ask for a condition; None where one is missing."""

    if_match: str | None = None
    if_unmodified_since: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None


def unmet_status(conditions: Preconditions, current: Validators) -> int | None:
    """304 or 412 where GET or HEAD must not bring the content, else None.

    In the order of RFC 9110 13.2.2: tags before dates, since dates know whole seconds only.
    """
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, current.etag, is_strong=True):
            return 412
    elif not _is_unmodified(conditions.if_unmodified_since, current.modified, otherwise=True):
        return 412
    if conditions.if_none_match is not None:
        return 304 if _matches(conditions.if_none_match, current.etag, is_strong=False) else None
    is_known = _is_unmodified(conditions.if_modified_since, current.modified, otherwise=False)
    return 304 if is_known else None


def range_is_current(if_range: str | None, current: Validators) -> bool:
    """Whether a Range may be answered with a part, as If-Range decides (RFC 9110 13.1.5).

    A date has to be the very date that was sent. Whether it was too young to tell two versions
    apart is for the client to judge, which alone knows when it got it (RFC 9110 8.8.2.2).
    """
    if if_range is None:
        return True
    validator = if_range.strip(" \t")
    if _ENTITY_TAG.fullmatch(validator):
        return not validator.startswith("W/") and validator == current.etag
    date = parse_date(validator)
    return date is not None and date == current.modified


def _matches(header: str, etag: str | None, *, is_strong: bool) -> bool:
    """RFC 9110 8.8.3.2: the weak comparison does not look at `W/`, the strong one refuses it."""
    if header.strip(" \t") == "*":
        return True  # There is a response with 200, so there is something.
    if etag is None:
        return False
    tags = _ENTITY_TAG.findall(header)
    if is_strong:
        return not etag.startswith("W/") and etag in tags
    return etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}


def _is_unmodified(header: str | None, modified: int | None, *, otherwise: bool) -> bool:
    """Not changed since that date; `otherwise` where RFC 9110 says to ignore the header."""
    since = _date(header)
    return otherwise if since is None or modified is None else modified <= since


def _date(text: str | None) -> int | None:
    return None if text is None else parse_date(text.strip(" \t"))
