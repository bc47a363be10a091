"""The loggers of those who serve: a template has made them before the application's import.

A cold start makes them behind it, where `logging.config.dictConfig` of the application does not
meet them. It disables, unless told otherwise, what is there when it is called; then nobody would
see the traceback of a request.
"""

import logging

_NAMES = (
    "uvicorn.error",
    "wiverno.core.server",
    "wiverno.dev.serving.asgi_connections",
    "wiverno.dev.serving.gated_protocol",
    "wiverno.dev.serving.lifespan",
)


def enable_server_loggers() -> None:
    """Once the application is imported."""
    made = logging.root.manager.loggerDict
    for name in _NAMES:
        if isinstance(logger := made.get(name), logging.Logger):
            logger.disabled = False
