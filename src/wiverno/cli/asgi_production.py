"""`wiverno run prod` for an ASGI application: hands it to uvicorn."""

import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import fields
from types import FrameType
from typing import Any

from wiverno.cli.asgi_startup import WatchedApplication
from wiverno.cli.failures import FailedStartup, UserError, user_error_from
from wiverno.core.asgi_types import ASGIApplication
from wiverno.core.exceptions import MissingExtraError, WivernoError
from wiverno.core.server.about import about, is_explained
from wiverno.core.server.listener import bind, display_url
from wiverno.core.server.settings import ServerSettings

# What uvicorn knows too. Its other numbers are its own.
_MAPPED = frozenset(
    {
        "access_log",
        "backlog",
        "forwarded_allow_ips",
        "graceful_timeout_s",
        "keep_alive_timeout_s",
        "log_level",
        "root_path",
        "uds",
    }
)
# By sysexits.h nothing; uvicorn ends with it when an application cannot start.
_UVICORN_STARTUP_FAILURE = 3

_logger = logging.getLogger(__name__)


def serve(application: ASGIApplication, settings: ServerSettings, *, host: str, port: int) -> None:
    """Serve it until SIGINT or SIGTERM; requests in flight are finished."""
    try:
        from uvicorn import Config, Server
    except ImportError:
        error = MissingExtraError("An ASGI application", "uvicorn", "asgi")
        raise UserError(error) from None
    watched = WatchedApplication(application)
    config = Config(
        watched,
        interface="asgi3",
        uds=settings.uds,
        backlog=settings.backlog,
        root_path=settings.root_path,
        forwarded_allow_ips=[each.strip() for each in settings.forwarded_allow_ips.split(",")],
        timeout_keep_alive=max(1, round(settings.keep_alive_timeout_s)),
        timeout_graceful_shutdown=max(1, round(settings.graceful_timeout_s)),
        access_log=settings.access_log,
        log_level=settings.log_level,
    )
    server = Server(config)
    with _listening(settings, host, port) as (listeners, url):
        _logger.info("Wiverno serves an ASGI application with uvicorn on %s", url)
        if unknown := _without_effect(settings):
            _logger.warning("uvicorn has nothing like %s: ignored.", ", ".join(unknown))
        signal.signal(signal.SIGTERM, _end)
        with contextlib.suppress(KeyboardInterrupt):
            _run(server, listeners, watched)


def _run(server: Any, listeners: list[socket.socket], watched: WatchedApplication) -> None:
    try:
        server.run(sockets=listeners)
    except SystemExit as end:
        if end.code != _UVICORN_STARTUP_FAILURE:
            raise
    else:
        return
    if isinstance(watched.error, SystemExit):
        raise watched.error
    raise FailedStartup(watched.error, watched.refusal)


@contextlib.contextmanager
def _listening(
    settings: ServerSettings, host: str, port: int
) -> Iterator[tuple[list[socket.socket], str]]:
    """The listeners as RunServer has them, so that what fails is said in the same words."""
    try:
        if settings.uds is None:
            listeners = bind(host, port, settings.backlog)
            yield listeners, display_url(host, listeners[0].getsockname()[1])
            return
        from wiverno.core.server.unix_listener import bind_unix

        listener = bind_unix(settings.uds, settings.backlog)
    except (WivernoError, OSError) as error:
        raise (user_error_from(error) or error) from None
    try:
        yield [listener.sock], f"unix:{settings.uds}"
    finally:
        listener.remove_file()


def _without_effect(settings: ServerSettings) -> list[str]:
    """The options that were given and that uvicorn does not have."""
    return [
        about(each).option or each.name
        for group in (settings, settings.limits)
        for each in fields(group)
        if is_explained(each)
        and each.name not in _MAPPED
        and getattr(group, each.name) != each.default
    ]


def _end(number: int, frame: FrameType | None) -> None:
    """uvicorn sends itself the signal again when it has finished; that is no death."""
    sys.exit(0)
