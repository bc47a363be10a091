"""Other WSGI applications below a prefix of this one."""

from typing import NamedTuple

from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError
from wiverno.core.wsgi_types import Environ, WSGIApplication


class Mount(NamedTuple):
    """An application, and the path below which it answers."""

    prefix: str
    application: WSGIApplication


class Mounts:
    """Finds the application for a path: the one with the longest prefix."""

    def __init__(self) -> None:
        self._mounts: list[tuple[str, WSGIApplication]] = []

    def __bool__(self) -> bool:
        return bool(self._mounts)

    @property
    def all(self) -> tuple[Mount, ...]:
        """The one with the longest prefix first."""
        return tuple(Mount(_decode(prefix), application) for prefix, application in self._mounts)

    def add(self, prefix: str, application: WSGIApplication) -> None:
        """Raises `RouteDefinitionError` and `RouteConflictError`."""
        path = "/" + prefix.strip("/")
        if path == "/" or "{" in path or "}" in path:
            raise RouteDefinitionError(
                f"mount({prefix!r}): the prefix is a path such as '/admin', without parameters."
            )
        # As the environ spells it: PEP 3333 carries bytes as latin-1.
        encoded = path.encode("utf-8").decode("latin-1")
        if any(encoded == known for known, _ in self._mounts):
            raise RouteConflictError(f"mount({prefix!r}): an application is mounted there already.")
        if not callable(application):
            raise RouteDefinitionError(
                f"mount({prefix!r}): {application!r} cannot be called. Give a WSGI application."
            )
        # A new list: a list is empty for other threads while it is sorted.
        self._mounts = sorted(
            [*self._mounts, (encoded, application)], key=lambda mount: -len(mount[0])
        )

    def find(self, environ: Environ) -> tuple[WSGIApplication, Environ] | None:
        """The application, and the environ that it sees: the prefix is in SCRIPT_NAME."""
        path = environ.get("PATH_INFO", "")
        for prefix, application in self._mounts:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
                # A copy: what wraps this application sees its own path afterwards.
                inner = dict(environ)
                inner["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
                inner["PATH_INFO"] = path[len(prefix) :]
                return application, inner
        return None


def _decode(wsgi_text: str) -> str:
    return wsgi_text.encode("latin-1").decode("utf-8")
