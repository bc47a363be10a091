"""Bound and listening sockets, and the words for the ways in which binding fails."""

import errno
import os
import socket
from typing import TypeAlias

from wiverno.core.exceptions import WivernoError

Address: TypeAlias = tuple[int, str]  # family, host

# A second family may find the number that the first one got taken by a stranger.
_PORT_ATTEMPTS = 20
_MISSING_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


class InvalidPortError(WivernoError, OSError):
    """The port is no number that TCP has."""


def bind(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Listening, non-blocking sockets for `host`; all of them on the same port.

    `localhost` is both 127.0.0.1 and ::1, where the machine has them. Port 0 takes a
    free number. Raises OSError with the system's words and what to do.
    """
    # Not isinstance: bool is an int, and `port=True` is a mistake.
    if type(port) is not int or not 0 <= port <= 65535:
        raise InvalidPortError(f"port={port!r} is not a TCP port. Use 0 to 65535.")
    addresses = _resolve(host, port)
    for attempt in range(1, _PORT_ATTEMPTS + 1):
        try:
            return _bind_all(addresses, port, backlog)
        except OSError as error:
            is_last = port != 0 or attempt == _PORT_ATTEMPTS
            if is_last or error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError  # The last attempt has returned or raised.


def display_url(host: str, port: int) -> str:
    """The address as one types it into a browser."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> list[Address]:
    if host == "localhost":
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        number = getattr(error, "errno", None) or socket.EAI_NONAME
        raise socket.gaierror(
            number,
            f"host={host!r} is not known here ({error}). Use a name or address of this "
            "machine, for example 127.0.0.1 or 0.0.0.0.",
        ) from None
    addresses = [(family, str(address[0])) for family, _, _, _, address in found]
    # IPv4 first: its number is the one that a free port is chosen by.
    return sorted(dict.fromkeys(addresses), key=lambda each: each[0] != socket.AF_INET)


def _bind_all(addresses: list[Address], port: int, backlog: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    try:
        for family, host in addresses:
            try:
                listener = _bind_one(family, host, port, is_alone=len(addresses) == 1)
            except OSError as error:
                if listeners and error.errno in _MISSING_FAMILY:
                    continue  # A machine without IPv6.
                raise _explain(error, host, port) from None
            listeners.append(listener)
            port = listener.getsockname()[1]
        # The application's own backlog, before anything can be accepted.
        for listener in listeners:
            _listen(listener, backlog)
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _bind_one(family: int, host: str, port: int, *, is_alone: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # Otherwise a restart fails while old connections are in TIME_WAIT. On Windows
            # the same option lets two servers share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not is_alone:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen(listener: socket.socket, backlog: int) -> None:
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(backlog)
    except OSError as error:
        # With SO_REUSEADDR two sockets may bind one port, but only one may listen.
        raise _explain(error, host, port) from None


def _explain(error: OSError, host: str, port: int) -> OSError:
    """The same class and number, with where it happened and what to do."""
    words = error.strerror or str(error)
    where = display_url(host, port).removeprefix("http://")
    # OSError chooses the subclass (PermissionError, ...) by the number.
    return OSError(error.errno, f"{words}: {where}. {_remedy(error.errno, host, port)}")


def _remedy(number: int | None, host: str, port: int) -> str:
    if number == errno.EADDRINUSE:
        return f"Choose another port, or find the process that holds it: lsof -i :{port}"
    if number in (errno.EACCES, errno.EPERM):
        return "Ports below 1024 need root; use a port from 1024 up."
    return f"Use an address of this machine instead of {host!r}, for example 127.0.0.1 or 0.0.0.0."
