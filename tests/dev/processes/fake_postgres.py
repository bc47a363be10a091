"""Listens as PostgreSQL would and lets everybody in; what it was told, it prints.

A connection of psycopg is real with it, as far as a guard can see: a socket after a login.
"""

import contextlib
import socket
import struct
import sys

_PARAMETERS = {"server_version": "16.0", "client_encoding": "UTF8", "server_encoding": "UTF8"}


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            _let_in(connection)
            _tell_what_comes(connection)


def _let_in(connection: socket.socket) -> None:
    connection.recv(4096)  # the startup message; asked for without TLS and GSSAPI
    parameters = b"".join(
        _message(b"S", name.encode() + b"\0" + value.encode() + b"\0")
        for name, value in _PARAMETERS.items()
    )
    key = _message(b"K", struct.pack("!ii", 1, 2))
    connection.sendall(_message(b"R", struct.pack("!i", 0)) + parameters + key)
    connection.sendall(_message(b"Z", b"I"))


def _tell_what_comes(connection: socket.socket) -> None:
    while kind := connection.recv(1):
        (length,) = struct.unpack("!i", connection.recv(4))
        connection.recv(length - 4) if length > 4 else b""
        if kind == b"X":  # terminate
            return


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


if __name__ == "__main__":
    main()
