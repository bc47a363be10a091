"""The environ of PEP 3333, made from a request head and a complete body."""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import IO, Any, Protocol

from wiverno.core.server.forwarded import TrustedProxies, apply_forwarded, is_proxy_key
from wiverno.core.server.request_head import RequestHead
from wiverno.core.wsgi_types import Environ

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_ENOUGH_KEYS = 1000
# Header name -> environ key. Bounded, since clients choose the names.
_keys: dict[str, str] = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an iterator of blocks, closed with the response.

    Its own iterator: middleware that calls `iter()` on it must find `close` on what it gets,
    and one that answers Range must find `seek`, or a part of a file costs the whole of it.
    """

    def __init__(self, file: _Readable, block_bytes: int = 64 * 1024) -> None:
        self._file: Any = file
        self._block_bytes = block_bytes

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block: bytes = self._file.read(self._block_bytes)
        if not block:
            raise StopIteration
        return block

    def seekable(self) -> bool:
        """Can `seek` and `tell` be called?"""
        seekable = getattr(self._file, "seekable", None)
        return seekable is not None and bool(seekable())

    def seek(self, offset: int, whence: int = 0, /) -> None:
        """Go on from another place in the file."""
        self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place in the file."""
        return int(self._file.tell())

    def close(self) -> None:
        """Close the file, if it can be closed."""
        close = getattr(self._file, "close", None)
        if close is not None:
            close()


class RequestBody:
    """Collects a body: in memory while it is small, in a temporary file when it is not."""

    __slots__ = ("_file", "_is_spooled", "_memory_bytes", "size_bytes")

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._file: IO[bytes] = BytesIO()
        self._is_spooled = False
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append a piece."""
        self.size_bytes += len(data)
        if self.size_bytes > self._memory_bytes and not self._is_spooled:
            self._spool()
        self._file.write(data)

    def rewind(self) -> IO[bytes]:
        """The file to read from, at its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Give back the memory or the temporary file."""
        # What is still buffered is written once more, and the disk may be full. BufferError: the
        # application holds a view of it.
        with suppress(OSError, BufferError):
            self._file.close()

    def _spool(self) -> None:
        # Here, because few requests need it and the import costs more than a request.
        from tempfile import TemporaryFile

        memory = self._file
        self._file = TemporaryFile(prefix="wiverno-body-")  # noqa: SIM115  Closed by close().
        self._is_spooled = True
        memory.seek(0)
        self._file.write(memory.read())


def base_environ(server_name: str, server_port: int, root_path: str = "") -> Environ:
    """What every request of one server has in common."""
    return {
        "SCRIPT_NAME": root_path.encode().decode("latin-1"),
        "SERVER_NAME": server_name,
        "SERVER_PORT": str(server_port),
        "SERVER_SOFTWARE": "wiverno",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        # The body is complete before the application runs, so reading to the end is safe.
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
    }


def connection_environ(server: Environ, address: tuple[str, int] | None) -> Environ:
    """What every request of one connection has in common."""
    environ = server.copy()
    if address is not None:
        environ["REMOTE_ADDR"] = address[0]
        environ["REMOTE_PORT"] = str(address[1])
    else:
        environ["REMOTE_ADDR"] = ""
    return environ


def request_environ(
    connection: Environ, head: RequestHead, body: RequestBody | None, proxies: TrustedProxies
) -> Environ:
    """The environ of one request; its input stands at the beginning of the body, if it has one."""
    environ = connection.copy()
    environ["REQUEST_METHOD"] = head.method
    # RFC 3875 section 4.1.5: empty or from a slash on, which `OPTIONS *` has not.
    environ["PATH_INFO"] = "" if head.path == "*" else decode_path(head.path)
    environ["QUERY_STRING"] = head.query
    environ["REQUEST_URI"] = environ["RAW_URI"] = head.target
    environ["SERVER_PROTOCOL"] = head.version
    environ["wsgi.input"] = BytesIO() if body is None else body.rewind()
    environ["wsgi.errors"] = sys.stderr
    if environ["SCRIPT_NAME"]:
        _cut_root_path(environ)
    if _add_headers(environ, head.headers):
        apply_forwarded(environ, proxies)
    if body is not None and head.body_length is None:
        # Decoded already: an application that knows only Content-Length can read it.
        environ["CONTENT_LENGTH"] = str(body.size_bytes)
        del environ["HTTP_TRANSFER_ENCODING"]
    return environ


def decode_path(path: str) -> str:
    """Percent-decoding into latin-1 text, where one character is one byte (PEP 3333)."""
    if "%" not in path:
        return path
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), path)


def _cut_root_path(environ: Environ) -> None:
    """Of a path that the proxy has passed as it was; others have lost it there already."""
    root_path, path = environ["SCRIPT_NAME"], environ["PATH_INFO"]
    if path == root_path or path.startswith(f"{root_path}/"):
        environ["PATH_INFO"] = path[len(root_path) :]


def _add_headers(environ: Environ, headers: tuple[tuple[str, str], ...]) -> bool:
    """True when there is a field among them that only a proxy has a reason to send."""
    is_forwarded = False
    for name, value in headers:
        key = _keys.get(name)
        if key is None:
            key = _learn_key(name)
            is_forwarded = is_forwarded or is_proxy_key(key)
        if key not in environ:
            environ[key] = value
        else:
            # RFC 9110 section 5.3; cookies are the exception (RFC 6265 section 4.2).
            separator = "; " if key == "HTTP_COOKIE" else ", "
            environ[key] = f"{environ[key]}{separator}{value}"
    return is_forwarded


def _learn_key(name: str) -> str:
    key = "HTTP_" + name.upper().replace("-", "_")
    # The fields of proxies are never learnt: that they come here is how they are found.
    if len(_keys) < _ENOUGH_KEYS and len(name) < 64 and not is_proxy_key(key):
        _keys[name] = key
    return key
