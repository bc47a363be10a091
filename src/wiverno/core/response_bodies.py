"""What may stand for a body, and how the bytes of it come out, block by block."""

import io
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from wiverno.core.exceptions import InvalidViewResultError

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

# Large enough that the calls cost nothing beside the copying, small enough for a thousand clients.
_BLOCK_BYTES = 64 * 1024
# Once: `json.dumps` with settings of its own makes an encoder for each call.
_encode_json = json.JSONEncoder(allow_nan=False).encode


@runtime_checkable
class ReadableFile(Protocol):
    """A file, as far as a response needs one. It is closed when the response ends."""

    def read(self, size: int, /) -> bytes | str: ...


Body: TypeAlias = (
    str | bytes | dict[Any, Any] | list[Any] | Iterable[bytes] | Iterable[str] | ReadableFile
)
Stream: TypeAlias = Iterable[bytes | str] | ReadableFile
FileWrapper: TypeAlias = Callable[[Any, int], Iterable[bytes]]


def read_body(body: object) -> tuple[bytes | Stream, str]:
    """The bytes of a body, or what they will be read from, and the type that they seem to have.

    Raises `InvalidViewResultError`.
    """
    if isinstance(body, str):
        return _utf_8(body), HTML
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), HTML
    if isinstance(body, dict | list):
        return json_bytes(body), JSON
    # A set or a tuple is rather a mistake than a stream.
    if hasattr(body, "read") or (hasattr(body, "__iter__") and not isinstance(body, Collection)):
        return cast(Stream, body), HTML
    raise InvalidViewResultError(
        f"A view returned {'None' if body is None else f'a {type(body).__name__}'} as body. "
        "Return a str, bytes, dict, list, generator or file, alone or as (status, body) or "
        "(status, body, headers)."
    )


def json_bytes(value: object) -> bytes:
    """`value` as JSON (RFC 8259), which knows neither NaN nor Infinity.

    Raises `InvalidViewResultError`.
    """
    try:
        return _encode_json(value).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidViewResultError(
            f"A {type(value).__name__} cannot become JSON: {error}. Use str, int, float, bool, "
            "None, and dicts and lists of them; dates and other values as str."
        ) from error


def streamed(stream: Stream, file_wrapper: FileWrapper | None) -> Iterable[bytes]:
    """The bytes of a stream, with a `close` that reaches it."""
    if not isinstance(stream, ReadableFile):
        return EncodedStream(stream)
    if file_wrapper is not None and _is_plain_file(stream):
        # PEP 3333, "Optional Platform-Specific File Handling": the server may have a fast way.
        return file_wrapper(stream, _BLOCK_BYTES)
    return EncodedStream(FileBlocks(stream))


def close_stream(stream: object) -> None:
    """Close what can be closed."""
    close = getattr(stream, "close", None)
    if close is not None:
        close()


class EncodedStream:
    """The items of an iterable as bytes, str as UTF-8. `close` reaches the iterable."""

    __slots__ = ("_items", "_source")

    def __init__(self, source: Iterable[bytes | str]) -> None:
        self._source = source
        self._items: Iterator[bytes | str] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._items is None:
            self._items = iter(self._source)
        item: object = next(self._items)
        if isinstance(item, bytes):
            return item
        if isinstance(item, str):
            return _utf_8(item)
        raise TypeError(
            f"A streamed body gave {item!r}, a {type(item).__name__}. Give bytes or str."
        )

    def close(self) -> None:
        """PEP 3333: called at the end of each response, also when the client is gone."""
        try:
            if self._items is not self._source:
                close_stream(self._items)
        finally:
            close_stream(self._source)


class FileBlocks:
    """A file from where it stands, in blocks: to its end, or `length_bytes` of it."""

    __slots__ = ("_file", "_left_bytes")

    def __init__(self, file: ReadableFile, length_bytes: int | None = None) -> None:
        self._file = file
        self._left_bytes = length_bytes

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        wanted = _BLOCK_BYTES if self._left_bytes is None else min(_BLOCK_BYTES, self._left_bytes)
        block = self._file.read(wanted) if wanted else b""
        if not block:
            raise StopIteration
        if self._left_bytes is not None:
            self._left_bytes -= len(block)
        return block

    def close(self) -> None:
        """Close the file."""
        close_stream(self._file)


class FollowedBody:
    """A body with something else to close after it. `close` is called once, by the server."""

    __slots__ = ("_body", "_then")

    def __init__(self, body: Iterable[bytes], then: Callable[[], object]) -> None:
        self._body = body
        self._then = then

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Close the body, then the other, whatever the first one raises."""
        try:
            close_stream(self._body)
        finally:
            self._then()


def _is_plain_file(stream: object) -> bool:
    """Whether a server that goes round `read`, by its descriptor, would send the same bytes.

    Not so for what only has the descriptor of another file, as gzip does, nor for a file that
    was read from already: its buffer is ahead of what was read.
    """
    if type(stream) not in (io.BufferedReader, io.FileIO):
        return False
    file = cast(io.FileIO, stream)
    try:
        return os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0
    except (OSError, ValueError):  # A pipe, or closed.
        return False


def _utf_8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidViewResultError(
            f"A body holds {text[error.start : error.end]!r}, half of a character (a surrogate), "
            "which UTF-8 cannot say. Text decoded with 'surrogateescape' has them: decode it "
            "with 'replace', or return bytes."
        ) from error
