"""The errors that wiverno raises on purpose, one class per thing a caller would do differently.

WivernoError
├── AppTargetError
│   ├── AppTargetSyntaxError     (ValueError)
│   ├── AppModuleNotFoundError   (ModuleNotFoundError)
│   ├── AppAttributeNotFoundError (AttributeError)
│   └── AppNotCallableError      (TypeError)
├── RouteDefinitionError         (ValueError)
│   └── RouteConflictError
├── URLBuildError                (LookupError)
├── InvalidHTTPStatusError       (ValueError)
├── InvalidHeaderError           (ValueError)
├── InvalidViewResultError       (TypeError)
├── MissingExtraError            (ImportError)
└── HTTPError
    ├── RequestBodyError         (ValueError)
    │   └── ContentTooLargeError
    └── MethodNotAllowedError
"""

from collections.abc import Mapping, Sequence


class WivernoError(Exception):
    """Base of every error that wiverno raises on purpose. Its text is written for the user."""


class AppTargetError(WivernoError):
    """The text `module:attribute` does not lead to a WSGI application."""


class AppTargetSyntaxError(AppTargetError, ValueError):
    """The text itself cannot be an app target."""


class AppModuleNotFoundError(AppTargetError, ModuleNotFoundError):
    """The module of an app target does not exist. `name` is the part that was not found."""


class AppAttributeNotFoundError(AppTargetError, AttributeError):
    """The module exists; what the app target names in it does not."""


class AppNotCallableError(AppTargetError, TypeError):
    """What the app target names cannot be called as a WSGI application or factory."""


class RouteDefinitionError(WivernoError, ValueError):
    """A path, or the methods given with it, cannot be a route."""


class RouteConflictError(RouteDefinitionError):
    """Two routes would answer the same path and method."""


class InvalidHTTPStatusError(WivernoError, ValueError):
    """A view returned a status that no final HTTP response can carry."""


class InvalidViewResultError(WivernoError, TypeError):
    """A view returned something that is no response body."""


class URLBuildError(WivernoError, LookupError):
    """No path can be built for a route's name and the parameters given with it."""


class InvalidHeaderError(WivernoError, ValueError):
    """A header name or value that must not go on the wire (RFC 9110 5.5)."""


class MissingExtraError(WivernoError, ImportError):
    """What was used needs a package that a plain install does not bring."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'wiverno[{extra}]'",
            name=package,
        )


class HTTPError(WivernoError):
    """Raised in a view or hook, it becomes the response with its status.

    `message` is shown to the client. Error handlers of the application see it first.

    >>> raise HTTPError(403, "Only the owner may delete a note.")
    Traceback (most recent call last):
    wiverno.core.exceptions.HTTPError: Only the owner may delete a note.
    """

    def __init__(
        self, status: int, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message or str(status))
        self.status_code = status
        self.message = message
        self.headers = dict(headers or {})


class RequestBodyError(HTTPError, ValueError):
    """The client sent a body that is not what its Content-Type says. Answered with 400."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class ContentTooLargeError(RequestBodyError):
    """The client sent more than a limit allows. Answered with 413."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.status_code = 413


class MethodNotAllowedError(HTTPError):
    """The path exists, but not for this method. Answered with 405 and Allow."""

    def __init__(self, allowed: Sequence[str], message: str = "") -> None:
        # RFC 9110 15.5.6: a 405 says what is allowed.
        super().__init__(405, message, {"Allow": ", ".join(allowed)})
        self.allowed = tuple(allowed)
