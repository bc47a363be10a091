"""Names for the types of PEP 3333, so that signatures say what they mean."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Protocol, TypeAlias

Environ: TypeAlias = dict[str, Any]
HeaderList: TypeAlias = list[tuple[str, str]]
# As `sys.exc_info` and `wsgiref.types` have it: what other libraries wrap must fit ours.
ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
)
WriteCallable: TypeAlias = Callable[[bytes], object]


class StartResponse(Protocol):
    """The `start_response` callable that a server hands to the application (PEP 3333)."""

    def __call__(
        self, status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /
    ) -> WriteCallable: ...


WSGIApplication: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]
