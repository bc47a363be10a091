"""wiverno runs Python web applications, in development and in production.

The front door: names are imported when they are first used, so that
`wiverno --version` and a production process load only what they need.
Nothing inside wiverno imports from here.
"""

from typing import TYPE_CHECKING

from wiverno.version import __version__

if TYPE_CHECKING:
    from wiverno.core.exceptions import HTTPError
    from wiverno.core.http.body_limits import BodyLimits
    from wiverno.core.requests import Request
    from wiverno.core.responses import Response
    from wiverno.core.routing.router import Router
    from wiverno.core.uploads import UploadedFile
    from wiverno.main import Wiverno
    from wiverno.templating.templator import Templator
    from wiverno.views.base_views import BaseView

__all__ = [
    "BaseView",
    "BodyLimits",
    "HTTPError",
    "Request",
    "Response",
    "Router",
    "Templator",
    "UploadedFile",
    "Wiverno",
    "__version__",
]

_HOMES = {
    "BaseView": "wiverno.views.base_views",
    "BodyLimits": "wiverno.core.http.body_limits",
    "HTTPError": "wiverno.core.exceptions",
    "Request": "wiverno.core.requests",
    "Response": "wiverno.core.responses",
    "Router": "wiverno.core.routing.router",
    "Templator": "wiverno.templating.templator",
    "UploadedFile": "wiverno.core.uploads",
    "Wiverno": "wiverno.main",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # The next use does not come here.
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
