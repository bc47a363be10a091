"""BaseView: a view that has a method for each HTTP method."""

from typing import Any

from wiverno.core.exceptions import MethodNotAllowedError
from wiverno.core.requests import Request

# Only these are looked up on a view: the client chooses the name of the method, and must not
# choose among everything that a class happens to have.
_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")


class BaseView:
    """Subclass it and write `get`, `post`, `put`, `patch`, `delete`, ..., each taking the request.

    >>> class Notes(BaseView):
    ...     def get(self, request):
    ...         return "all notes"
    >>> Notes().allowed_methods
    ('GET', 'HEAD')
    """

    @property
    def allowed_methods(self) -> tuple[str, ...]:
        """The HTTP methods that the view answers, sorted. One with `get` answers HEAD, too."""
        return tuple(method for method in _METHODS if self._handler(method) is not None)

    def __call__(self, request: Request) -> Any:
        """What the method of the request returns, as any view does.

        Raises `MethodNotAllowedError` where the view has no such method; left alone, that
        becomes a 405 response.
        """
        handler = self._handler(request.method)
        if handler is None:
            raise MethodNotAllowedError(self.allowed_methods)
        return handler(request)

    def _handler(self, method: str) -> Any:
        if method not in _METHODS:
            return None
        handler = getattr(self, method.lower(), None)
        if handler is None and method == "HEAD":
            # RFC 9110 9.3.2: HEAD is GET without the content.
            return getattr(self, "get", None)
        return handler
