"""Which of the types that a view can write suits the client best: the Accept header."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wiverno.core.http.media_types import parse_media_type

# An unclosed quotation reaches to the end: nothing is looked at twice, whatever is sent.
_ELEMENT = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.)*+\\?+"?)++', re.DOTALL)
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?", re.ASCII)
_RANGE = re.compile(r"[^\s/]+/[^\s/]+")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of an Accept header: `text/*;level=1;q=0.5`."""

    media_type: str
    parameters: dict[str, str]
    quality: float

    def specificity(self, media_type: str, parameters: dict[str, str]) -> tuple[int, int] | None:
        """How closely the range names a type, None if it does not (RFC 9110 12.5.1)."""
        if not self.parameters.items() <= parameters.items():
            return None
        if self.media_type == media_type:
            return 2, len(self.parameters)
        if self.media_type.endswith("/*") and media_type.startswith(self.media_type[:-1]):
            return 1, len(self.parameters)
        return (0, len(self.parameters)) if self.media_type == "*/*" else None


def parse_accept(header: str) -> list[MediaRange]:
    """The elements of an Accept header. Those that are malformed are left out."""
    return list(_ranges(header))


def best_match(header: str, offered: Sequence[str]) -> str | None:
    """The offered type that the client likes best, None if it wants none of them.

    Quality decides; of two with the same, the one that the header names more closely; then
    the one that is offered first. A header that says nothing accepts everything.

    >>> best_match("text/html;q=0.5, application/json", ["text/html", "application/json"])
    'application/json'
    """
    ranges = parse_accept(header)
    if not ranges:
        return offered[0] if offered else None
    best, best_rank = None, (0.0, (-1, -1))
    for each in offered:
        rank = _rank(ranges, each)
        if rank[0] > 0 and rank > best_rank:
            best, best_rank = each, rank
    return best


def _rank(ranges: list[MediaRange], offered: str) -> tuple[float, tuple[int, int]]:
    media_type, parameters = parse_media_type(offered)
    # Of several ranges that match, the closest one holds, however low its quality is.
    matching = [
        (specificity, each.quality)
        for each in ranges
        if (specificity := each.specificity(media_type, parameters)) is not None
    ]
    if not matching:
        return 0.0, (-1, -1)
    specificity, quality = max(matching)
    return quality, specificity


def _ranges(header: str) -> Iterator[MediaRange]:
    for element in _ELEMENT.findall(header):
        media_type, parameters = parse_media_type(element)
        quality = parameters.pop("q", "1")
        if _RANGE.fullmatch(media_type) and _QUALITY.fullmatch(quality):
            yield MediaRange(media_type, parameters, float(quality))
