"""Request headers: a read-only dictionary whose names ignore case."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar, overload

_T = TypeVar("_T")


class Headers(dict[str, str]):
    """Headers by name, in any case: `headers["content-type"]` is `headers["Content-Type"]`.

    The names are kept in Title-Case. Writing raises `TypeError`: what the client has sent
    does not change.

    >>> Headers({"CONTENT-TYPE": "text/plain"})["content-type"]
    'text/plain'
    """

    __slots__ = ()

    def __init__(self, values: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__({name.title(): value for name, value in values.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.title())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.title())

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: _T, /) -> str | _T: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        """The value of `name`, `default` if it was not sent."""
        return super().get(name.title(), default)

    def copy(self) -> dict[str, str]:
        """A plain dictionary with the same items, which may be written to."""
        return dict(self)

    def __repr__(self) -> str:
        return f"Headers({super().__repr__()})"

    def __reduce__(self) -> tuple[type["Headers"], tuple[dict[str, str]]]:
        # Copies and pickles of a dict are filled item by item otherwise, which is refused.
        return (Headers, (dict(self),))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("Request headers are read-only. Take `headers.copy()` to change a copy.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    pop = popitem = clear = update = setdefault = _refuse
