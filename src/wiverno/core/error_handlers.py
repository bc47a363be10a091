"""Which function answers an error: by its class, or by its status."""

from collections.abc import Callable
from typing import Any

from wiverno.core.exceptions import HTTPError

ErrorHandler = Callable[[Any, Any], Any]
"""Takes the request and the error, returns what a view returns."""

# They mean nearly any error: what was said of a status is nearer.
_WIDE = (HTTPError, Exception)


class ErrorHandlers:
    """At most one function for each status and class; the last registration holds."""

    def __init__(self) -> None:
        self._by_status: dict[int, ErrorHandler] = {}
        self._by_class: dict[type[BaseException], ErrorHandler] = {}

    def add(self, about: Any, handler: ErrorHandler) -> None:
        """`about` is a status of 400 to 599, or a class of exceptions. Else `TypeError`."""
        if isinstance(about, type) and issubclass(about, Exception):
            self._by_class[about] = handler
        elif isinstance(about, int) and not isinstance(about, bool) and 400 <= about <= 599:
            self._by_status[about] = handler
        else:
            raise TypeError(
                f"error_handler({about!r}): no error has this. "
                "Give a status such as 404 (400 to 599), or a class of exceptions."
            )

    def find(self, error: Exception) -> ErrorHandler | None:
        """For the nearest class, else for the status, else for `HTTPError` or `Exception`.

        The status of what is no `HTTPError` is 500.
        """
        kinds = [each for each in type(error).__mro__ if each in self._by_class]
        if kinds and kinds[0] not in _WIDE:
            return self._by_class[kinds[0]]
        status = error.status_code if isinstance(error, HTTPError) else 500
        if status in self._by_status:
            return self._by_status[status]
        return self._by_class[kinds[0]] if kinds else None

    def expects(self, error: Exception) -> bool:
        """Whether somebody has said what its class means: it needs no line in the log."""
        return isinstance(error, HTTPError) or any(
            each in self._by_class for each in type(error).__mro__
        )
