"""Requests from bytes, by RFC 9112. Pure: no socket, no clock, no file.

The reader owns the buffer of one connection. It refuses what is ambiguous instead of
repairing it, because a repair that a proxy makes differently is request smuggling.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import (
    BadRequest,
    RequestHead,
    parse_head,
    refuse_bad_trailer,
    refuse_large_body,
)


@dataclass(frozen=True, slots=True)
class BodyData:
    """A piece of the body, decoded."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfRequest:
    """Head and body are complete; the next event belongs to the next request."""


class NeedData(Enum):
    """More bytes must be fed before there is an event."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
END_OF_REQUEST: Final = EndOfRequest()

Event: TypeAlias = RequestHead | BodyData | EndOfRequest | NeedData


class _State(Enum):
    HEAD = "head"
    BODY = "body of known length"
    CHUNK_SIZE = "chunk size"
    CHUNK_DATA = "chunk data"
    CHUNK_END = "end of a chunk"
    TRAILERS = "trailers"
    END = "end"
    REFUSED = "refused"


# Looked up in an Enum's class they would take a third of the time of a request.
_HEAD = _State.HEAD
_BODY = _State.BODY
_CHUNK_SIZE = _State.CHUNK_SIZE
_CHUNK_DATA = _State.CHUNK_DATA
_CHUNK_END = _State.CHUNK_END
_TRAILERS = _State.TRAILERS
_END = _State.END
_REFUSED = _State.REFUSED

# RFC 9112 section 7.1: digits of the size only, then perhaps extensions. Space around their
# parts has to be taken (section 7.1.1), but none is allowed at the end.
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[^"\\]|\\.)*"'
_EXTENSION = rb"[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (_TOKEN, _TOKEN, _QUOTED)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:%b)*)" % _EXTENSION)
# What may stand nowhere in a head: controls, CR without LF, LF without CR (section 2.2).
_FAULT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?=[^\n])|(?<!\r)\n")


class RequestReader:
    """The requests of one connection, in order.

    Feed bytes, then take events until `NEED_DATA`. After `BadRequest` the connection
    is lost: nothing says where a next request would begin.
    """

    # In the class, not in __init__: one is made for each client, and few of these ever change.
    _state = _HEAD
    _refusal: BadRequest | None = None
    # Up to here nothing was found; searching goes on from here, so that a client that sends
    # single bytes costs no more than one that does not.
    _scanned = 0
    _head_end = -1
    _line_is_short = False
    _empty_lines = 0
    _remaining = 0
    _received = 0
    _extension_bytes = 0
    _trailer_bytes = 0

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()

    @property
    def unread_bytes(self) -> int:
        """How much was fed and not consumed."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append what the client sent."""
        self._buffer += data

    def take_unread(self) -> bytes:
        """Hand out everything fed and not consumed; the reader is empty afterwards."""
        unread = bytes(self._buffer)
        self._consume(len(unread))
        return unread

    def is_head_complete(self) -> bool:
        """Does a whole request head, or the reason to refuse it, stand at the front?

        Consumes nothing of it, so that the connection can still be handed to another
        process. Meaningful between requests only.
        """
        if self._head_end >= 0 or self._refusal is not None:
            return True
        if self._state is not _HEAD:
            return False
        try:
            self._find_head_end()
        except BadRequest as refusal:
            self._refusal = refusal
            return True
        return self._head_end >= 0

    def next_event(self) -> Event:
        """Consume and return what comes next; raises BadRequest and nothing else."""
        try:
            return self._next_event()
        except BadRequest as refusal:
            self._state, self._refusal = _REFUSED, refusal
            raise

    def _next_event(self) -> Event:
        state = self._state
        if state is _HEAD:
            return self._read_head()
        if state is _END:
            self._state = _HEAD
            return END_OF_REQUEST
        if state is _BODY:
            return self._read_data(then=_END)
        if state is _REFUSED:
            raise self._refusal or BadRequest(400, "Refused before.")
        return self._read_chunked()

    def _consume(self, size: int) -> None:
        del self._buffer[:size]
        self._scanned = 0
        self._head_end = -1

    # --- Head ---------------------------------------------------------------------

    def _find_head_end(self) -> None:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):
            self._consume(2)
            self._empty_lines += 1
            if self._empty_lines > self._limits.max_leading_empty_lines:
                raise BadRequest(400, "Too many empty lines before the request line.")
        limit = self._limits.max_head_bytes
        end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3), limit)
        if end >= 0:
            self._head_end = end
        else:
            self._refuse_head_faults(min(len(buffer), limit))
            if len(buffer) >= limit:
                raise BadRequest(431, f"The request head is larger than {limit} bytes.")
            self._scanned = len(buffer)

    def _refuse_head_faults(self, end: int) -> None:
        """Refuse by what a client that sends single bytes would be refused for first.

        Called for an incomplete head, so that no client waits for a deadline to learn that
        it is wrong, and for a complete one that did not parse: the answer must not depend
        on how the bytes were cut.
        """
        line_limit = self._limits.max_request_line_bytes + 2
        start = max(0, self._scanned - 1)
        if not self._line_is_short:
            self._refuse_control(start, min(end, line_limit))
            self._line_is_short = self._buffer.find(b"\r\n", start, line_limit) >= 0
            if not self._line_is_short and end >= line_limit:
                raise BadRequest(414, f"The request line exceeds {line_limit - 2} bytes.")
        self._refuse_control(start, end)

    def _refuse_control(self, start: int, end: int) -> None:
        fault = _FAULT.search(self._buffer, start, end)
        if fault is not None:
            raise BadRequest(400, "A control character, or a line that does not end with CRLF.")

    def _read_head(self) -> Event:
        if not self.is_head_complete():
            return NEED_DATA
        if self._refusal is not None:
            raise self._refusal
        end = self._head_end
        try:
            head = parse_head(self._buffer[:end], self._limits)
        except BadRequest:
            self._refuse_head_faults(end + 4)
            raise
        self._consume(end + 4)
        self._begin_body(head.body_length)
        return head

    def _begin_body(self, length: int | None) -> None:
        self._empty_lines = 0
        self._line_is_short = False
        if length == 0:
            self._state = _END
        elif length is None:
            self._state = _CHUNK_SIZE
            self._received = self._extension_bytes = self._trailer_bytes = 0
        else:
            self._state = _BODY
            self._remaining = length

    # --- Body ---------------------------------------------------------------------

    def _read_data(self, then: _State) -> Event:
        size = min(self._remaining, len(self._buffer))
        if size == 0:
            return NEED_DATA
        data = bytes(self._buffer[:size])
        self._consume(size)
        self._remaining -= size
        if self._remaining == 0:
            self._state = then
        return BodyData(data)

    def _read_chunked(self) -> Event:
        """RFC 9112 section 7.1."""
        while True:
            if self._state is _CHUNK_DATA:
                return self._read_data(then=_CHUNK_END)
            if self._state is _CHUNK_SIZE:
                is_read = self._read_chunk_size()
            elif self._state is _CHUNK_END:
                is_read = self._read_chunk_end()
            elif self._state is _TRAILERS:
                is_read = self._read_trailer()
            else:
                return self._next_event()
            if not is_read:
                return NEED_DATA

    def _read_line(self, limit: int, status: int) -> bytes | None:
        """One line without its CRLF, or None while it is incomplete."""
        buffer = self._buffer
        start = max(0, self._scanned - 1)
        end = buffer.find(b"\r\n", start, limit + 2)
        # With the CR of the line's own end, which tells whether the byte before is a bare CR.
        self._refuse_control(start, end + 1 if end >= 0 else min(len(buffer), limit + 2))
        if end < 0:
            if len(buffer) >= limit + 2:
                raise BadRequest(status, f"A line in the chunked body exceeds {limit} bytes.")
            self._scanned = len(buffer)
            return None
        line = bytes(buffer[:end])
        self._consume(end + 2)
        return line

    def _read_chunk_size(self) -> bool:
        line = self._read_line(self._limits.max_chunk_line_bytes, 400)
        if line is None:
            return False
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise BadRequest(400, "A chunk does not begin with its size in hexadecimal digits.")
        self._extension_bytes += len(found[2])
        if self._extension_bytes > self._limits.max_chunk_extension_bytes:
            raise BadRequest(400, "Too many chunk extensions.")
        self._remaining = int(found[1], 16)
        self._received += self._remaining
        refuse_large_body(self._received, self._limits)
        self._state = _CHUNK_DATA if self._remaining else _TRAILERS
        return True

    def _read_chunk_end(self) -> bool:
        if not b"\r\n".startswith(self._buffer[:2]):
            raise BadRequest(400, "A chunk is longer than its size says.")
        if len(self._buffer) < 2:
            return False
        self._consume(2)
        self._state = _CHUNK_SIZE
        return True

    def _read_trailer(self) -> bool:
        """Check and discard: a trailer must not become a field that routing relied on."""
        room = self._limits.max_trailer_bytes - self._trailer_bytes
        line = self._read_line(room, 431)
        if line is None:
            return False
        self._trailer_bytes += len(line) + 2
        if not line:
            self._state = _END
        elif self._trailer_bytes > self._limits.max_trailer_bytes:
            raise BadRequest(431, "Too many trailers.")
        else:
            refuse_bad_trailer(line.decode("latin-1"))
        return True
