"""The body of a request as bytes: read no further than it goes, and not cut short unnoticed."""

from io import RawIOBase
from typing import TYPE_CHECKING, Protocol

from wiverno.core.exceptions import ContentTooLargeError, RequestBodyError
from wiverno.core.wsgi_types import Environ

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# 18 digits are more bytes than there are disks. Python refuses to convert 5,000 of them.
_MAX_LENGTH_DIGITS = 18
_BLOCK_BYTES = 64 * 1024


class ByteSource(Protocol):
    """What bytes are read from: `wsgi.input`, a file."""

    def read(self, size: int, /) -> bytes: ...


def declared_length(environ: Environ) -> int | None:
    """Bytes in the body as the client declared them, None if it did not or not properly."""
    text = str(environ.get("CONTENT_LENGTH", ""))
    if text.isascii() and text.isdigit() and len(text) <= _MAX_LENGTH_DIGITS:
        return int(text)
    return None


def body_length(environ: Environ) -> int | None:
    """Bytes to read, None for all that the input gives.

    The end of a chunked body is known to the server, its length is not: such a server says
    `wsgi.input_terminated`. Without that, no length means no body (RFC 9112 6.3).
    """
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        return None
    return declared_length(environ) or 0


def read_body(environ: Environ, limit_bytes: int) -> bytes:
    """The whole body. Raises `ContentTooLargeError` if it has more than `limit_bytes`.

    Raises `RequestBodyError` if the client has sent less than it declared.
    """
    length = body_length(environ)
    if length == 0:
        return b""
    check_length(length or 0, limit_bytes, "max_memory_bytes")
    source: ByteSource = environ["wsgi.input"]
    wanted = limit_bytes + 1 if length is None else length
    body = source.read(wanted)
    if len(body) < wanted:
        body = _read_on(source, body, wanted)
    if length is None:
        check_length(len(body), limit_bytes, "max_memory_bytes")
    elif len(body) < length:
        raise _cut_short(len(body), length)
    return bytes(body)


def check_length(length: int, limit_bytes: int, limit_name: str) -> None:
    """Raise `ContentTooLargeError` for more bytes than the limit of that name allows."""
    if length > limit_bytes:
        raise ContentTooLargeError(
            f"The request body has more than {limit_bytes} bytes, the limit `{limit_name}`."
        )


class BodyStream(RawIOBase):
    """The body as a file without a buffer, which ends where the body ends.

    Raises `RequestBodyError` where the client has sent less than it declared. To close it
    leaves `wsgi.input` open, which is the server's.
    """

    def __init__(self, environ: Environ) -> None:
        super().__init__()
        self._length = body_length(environ)
        self._source: ByteSource | None = environ["wsgi.input"] if self._length != 0 else None
        self._position = 0

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read into `buffer`; 0 at the end."""
        view = memoryview(buffer).cast("B")
        wanted = len(view)
        if self._length is not None:
            wanted = min(wanted, self._length - self._position)
        if not wanted or self._source is None:
            return 0
        block = self._source.read(wanted)
        if not block and self._length is not None:
            raise _cut_short(self._position, self._length)
        view[: len(block)] = block
        self._position += len(block)
        return len(block)


def _read_on(source: ByteSource, first: bytes, wanted: int) -> bytes:
    # PEP 3333 lets `read` give all that was asked for; sockets under some servers give less.
    pieces, missing = [first], wanted - len(first)
    while missing and pieces[-1]:
        pieces.append(source.read(min(missing, _BLOCK_BYTES)))
        missing -= len(pieces[-1])
    return b"".join(pieces)


def _cut_short(received: int, length: int) -> RequestBodyError:
    return RequestBodyError(f"The request body ended after {received} of {length} bytes.")
