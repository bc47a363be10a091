"""The logger of the server: a template has made it before the application's import.

A cold start makes it behind it, where `logging.config.dictConfig` of the application does not
meet it. That disables, unless told otherwise, what is there when it is called; then nobody would
see the traceback of a request. uvicorn's comes back enabled with what it was imported for.
"""

from wiverno.dev.loading.roots import enable_loggers

_NAMES = ("wiverno.core.server",)


def enable_server_loggers() -> None:
    """Once the application is imported."""
    enable_loggers(_NAMES)
