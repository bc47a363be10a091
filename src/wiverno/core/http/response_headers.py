"""Response headers: many values for a name, order kept, nothing in them that splits a response."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias, overload

from wiverno.core.exceptions import InvalidHeaderError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Without tabs, which RFC 9110 5.5 would allow and PEP 3333 does not.
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_LENGTH = frozenset({"content-length"})
# PEP 3333, "Other HTTP Features": these belong to the server.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)


# Applications set the same few headers all the time. Longer ones are mostly new.
_REMEMBERED_FIELDS = 512
_REMEMBERED_LENGTH = 100


class ResponseHeaders:
    """Names and values as they will be sent; names ignore case when they are looked up.

    Each is checked when it is set: `InvalidHeaderError` for a name that is no token, a control
    character, text outside of latin-1, a header of the connection (PEP 3333).

    >>> headers = ResponseHeaders({"Vary": "Accept"})
    >>> headers.add("Vary", "Cookie")
    >>> headers["vary"], headers.getlist("VARY")
    ('Accept', ['Accept', 'Cookie'])
    """

    __slots__ = ("_items",)

    def __init__(self, items: "HeaderItems" = ()) -> None:
        self._items: list[tuple[str, str]] = []
        for name, value in _pairs(items):
            self.add(name, value)

    def __getitem__(self, name: str) -> str:
        """The first value. Raises `KeyError`."""
        wanted = name.lower()
        for each, value in self._items:
            if each.lower() == wanted:
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        """Make `value` the only one, in the place of the first."""
        _check(name, value)
        wanted = name.lower()
        places = [at for at, (each, _) in enumerate(self._items) if each.lower() == wanted]
        if not places:
            self._items.append((name, value))
            return
        for at in reversed(places[1:]):
            del self._items[at]
        self._items[places[0]] = (name, value)

    def __delitem__(self, name: str) -> None:
        """Take all values away. Raises `KeyError` if there is none."""
        if name not in self:
            raise KeyError(name)
        self.discard(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        """The names, each as often as it will be sent."""
        return (name for name, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"ResponseHeaders({self._items!r})"

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value, `default` if there is none."""
        wanted = name.lower()
        for each, value in self._items:
            if each.lower() == wanted:
                return value
        return default

    def has_any(self, lower_names: frozenset[str]) -> bool:
        """Whether one of these is among the names."""
        for name, _ in self._items:  # noqa: SIM110 - `any` takes twice as long for so few
            if name.lower() in lower_names:
                return True
        return False

    def set_length(self, size_bytes: int) -> None:
        """Make this the Content-Length."""
        if self.has_any(_LENGTH):
            self.discard("Content-Length")
        self._items.append(("Content-Length", str(size_bytes)))

    def getlist(self, name: str) -> list[str]:
        """All values in their order, `[]` if there is none."""
        wanted = name.lower()
        return [value for each, value in self._items if each.lower() == wanted]

    def add(self, name: str, value: str) -> None:
        """One more value, in a line of its own."""
        _check(name, value)
        if name.lower() == "content-length" and name in self:
            raise InvalidHeaderError(
                f"Content-Length {value!r} would be the second one. A response has one length: "
                "set it with headers['Content-Length'] = …"
            )
        self._items.append((name, value))

    def setdefault(self, name: str, value: str) -> str:
        """The first value; `value` becomes it if there is none."""
        present = self.get(name)
        if present is not None:
            return present
        self.add(name, value)
        return value

    def update(self, items: "HeaderItems") -> None:
        """Set each name; of a name that comes twice in `items`, the last value stays."""
        for name, value in _pairs(items):
            self[name] = value

    def discard(self, *names: str) -> None:
        """Take all values of these names away, if there are any."""
        unwanted = {name.lower() for name in names}
        self._items = [item for item in self._items if item[0].lower() not in unwanted]

    def copy(self) -> "ResponseHeaders":
        """The same headers, to be changed on their own."""
        copied = ResponseHeaders()
        copied._items = self._items.copy()  # They were checked.
        return copied

    def items(self) -> list[tuple[str, str]]:
        """A new list of pairs, as `start_response` wants it."""
        return list(self._items)


HeaderItems: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]] | ResponseHeaders


def is_token(text: object) -> bool:
    """Whether `text` can be a name in HTTP (RFC 9110 5.6.2)."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def _pairs(items: HeaderItems) -> Iterable[tuple[str, str]]:
    if isinstance(items, str | bytes):
        raise InvalidHeaderError(
            f"Headers {items!r} are one text. Give a dict or pairs, as in {{'Vary': 'Cookie'}}."
        )
    return map(_pair, items.items() if isinstance(items, Mapping | ResponseHeaders) else items)


def _pair(pair: object) -> tuple[str, str]:
    if isinstance(pair, tuple | list) and len(pair) == 2:
        return pair[0], pair[1]
    raise InvalidHeaderError(
        f"Header {pair!r} is not a pair of name and value, as in ('Vary', 'Cookie')."
    )


def _check(name: str, value: object) -> None:
    if type(value) is str and len(value) <= _REMEMBERED_LENGTH and type(name) is str:
        lower_name(name, value)
    else:
        _check_anew(name, value)


@lru_cache(_REMEMBERED_FIELDS)
def lower_name(name: str, value: str) -> str:
    """The name in small letters, of a header that can be sent. Else `InvalidHeaderError`."""
    _check_anew(name, value)
    return name.lower()


def _check_anew(name: str, value: object) -> None:
    if not is_token(name):
        raise InvalidHeaderError(
            f"Header name {name!r} is not a token of RFC 9110. Use ASCII letters, digits and '-'."
        )
    if not isinstance(value, str):
        raise InvalidHeaderError(
            f"Header {name}: {value!r} is a {type(value).__name__}. Give its value as str."
        )
    if not _VALUE.fullmatch(value):
        raise InvalidHeaderError(
            f"Header {name}: {value!r} holds a control character or one outside of latin-1. "
            "Take line ends out; percent-encode other text, as with urllib.parse.quote."
        )
    _check_meaning(name, value)


def _check_meaning(name: str, value: str) -> None:
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise InvalidHeaderError(
            f"Header {name}: {value!r} belongs to the connection, which is the server's "
            "(PEP 3333). Leave it out."
        )
    if lower == "status":
        # RFC 3875 6.3.3: a CGI gateway would take it for the status line.
        raise InvalidHeaderError(
            f"Header Status: {value!r} is not HTTP. Set the status of the response."
        )
    if lower == "content-length" and not (value.isascii() and value.isdigit()):
        raise InvalidHeaderError(
            f"Content-Length {value!r} is not a number of bytes. Use digits only."
        )
