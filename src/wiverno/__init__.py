"""wiverno runs Python web applications, in development and in production.

The front door: names are imported when they are first used, so that
`wiverno --version` and a production process load only what they need.
Nothing inside wiverno imports from here.
"""

from typing import TYPE_CHECKING

from wiverno.version import __version__

if TYPE_CHECKING:
    from wiverno.core.requests import Request
    from wiverno.core.routing.router import Router
    from wiverno.main import Wiverno

__all__ = ["Request", "Router", "Wiverno", "__version__"]

_HOMES = {
    "Request": "wiverno.core.requests",
    "Router": "wiverno.core.routing.router",
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
