"""Request headers: a read-only mapping whose names ignore case, and cookies out of one of them."""

from collections.abc import Iterator, Mapping


class Headers(Mapping[str, str]):
    """Headers by name, in any case: `headers["content-type"]` is `headers["Content-Type"]`."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.title(): value for name, value in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.title()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


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
