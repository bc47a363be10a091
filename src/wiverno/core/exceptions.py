"""The errors that wiverno raises on purpose, one class per thing a caller would do differently.

WivernoError
├── AppTargetError
│   ├── AppTargetSyntaxError     (ValueError)
│   ├── AppModuleNotFoundError   (ModuleNotFoundError)
│   ├── AppAttributeNotFoundError (AttributeError)
│   └── AppNotCallableError      (TypeError)
├── RouteDefinitionError         (ValueError)
│   └── RouteConflictError
├── InvalidHTTPStatusError       (ValueError)
├── InvalidViewResultError       (TypeError)
└── RequestBodyError             (ValueError)
"""


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


class RequestBodyError(WivernoError, ValueError):
    """The client sent a body that is not what its Content-Type says. Answered with 400."""
