"""Tables in a page of the documentation, and the place between two markers where they belong."""

from collections.abc import Iterable, Iterator, Sequence


class PageWithoutMarkersError(Exception):
    """The page does not say where the tables belong."""


def between_markers(page: str, section: str, begin: str, end: str) -> str:
    """`page` with `section` between its markers. Raises PageWithoutMarkersError."""
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise PageWithoutMarkersError(f"The page needs the lines {begin!r} and {end!r}.")
    return f"{before}{begin}\n\n{section.strip()}\n\n{end}{after}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'--:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
