"""The production WSGI server, on the standard library.

One loop thread owns every socket and buffer, a few pool threads run application code
and nothing else, and reader and writer are pure. Nothing here knows the application
class, the development server or a third-party package, and importing it stays cheap,
since a development worker does so on every restart.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wiverno.core.server.run_server import RunServer

__all__ = ["RunServer"]


def __getattr__(name: str) -> object:
    # `run prod --help` reads the settings, and needs neither sockets nor threads for it.
    if name == "RunServer":
        from wiverno.core.server.run_server import RunServer

        return RunServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
