"""What holds for any bytes that a client may send. No test framework: the fuzzer asks here, too."""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.core.server.reader.examples import with_field
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import BadRequest, RequestHead
from wiverno.core.server.request_reader import (
    NEED_DATA,
    BodyData,
    EndOfRequest,
    RequestReader,
)

DEFAULT = RequestLimits()
# Small enough that generated requests meet every limit.
SMALL = RequestLimits(
    max_head_bytes=160,
    max_request_line_bytes=40,
    max_fields=5,
    max_body_bytes=30,
    max_chunk_line_bytes=12,
    max_chunk_extension_bytes=20,
    max_trailer_bytes=24,
    max_leading_empty_lines=2,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A BadRequest by value."""

    status: int
    reason: str


Found: TypeAlias = RequestHead | bytes | EndOfRequest | Refusal
# Beside each event, how many of the bytes fed so far were consumed.
Step: TypeAlias = tuple[Found, int]


MakeReader: TypeAlias = Callable[[RequestLimits], RequestReader]


def check_reader(
    data: bytes, limits: RequestLimits, make_reader: MakeReader = RequestReader
) -> list[Step]:
    """All invariants for these bytes; the events, for who knows what they have to be.

    AssertionError names what does not hold; any exception but BadRequest escapes.
    """
    steps = read_steps([data], limits, make_reader)
    # Drawn from the bytes, so that what was found is found again.
    chance = random.Random(zlib.crc32(data))
    cuts = [chance.randint(0, len(data)) for _ in range(chance.randint(1, 5))]
    assert read_steps(cut(data, cuts), limits, make_reader) == steps, (
        "events depend on how bytes are cut"
    )
    assert read_steps(single_bytes(data), limits, make_reader) == steps, (
        "single bytes give other events"
    )
    _check_handing_over(data, steps, limits)
    return steps


def cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The pieces between these places; some may be empty."""
    places = sorted(cuts)
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def single_bytes(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


def read_all(pieces: list[bytes], limits: RequestLimits = DEFAULT) -> list[Found | int]:
    """The events; a refusal as its status."""
    events = [event for event, _ in read_steps(pieces, limits)]
    return [event.status if isinstance(event, Refusal) else event for event in events]


def read_steps(
    pieces: list[bytes], limits: RequestLimits, make_reader: MakeReader = RequestReader
) -> list[Step]:
    """Every event and where it ended, checked; neighbouring pieces of a body are joined."""
    reader = make_reader(limits)
    account = _Account()
    for number, piece in enumerate(pieces):
        reader.feed(piece)
        account.fed += piece
        if number % 2:
            # The server asks between requests, or not at all: it must change nothing.
            reader.is_head_complete()
        try:
            while (event := reader.next_event()) is not NEED_DATA:
                account.add(event, reader.unread_bytes)
        except BadRequest as refusal:
            account.add(Refusal(refusal.status, refusal.reason), reader.unread_bytes)
            account.check_unread(reader)
            _check_stays_refused(reader, refusal)
            return account.steps
        _check_waits(reader, limits)
    account.check_unread(reader)
    return account.steps


class _Account:
    """What was fed, and which of it each event stands for."""

    def __init__(self) -> None:
        self.fed = bytearray()
        self.steps: list[Step] = []
        self._consumed = 0
        self._is_chunked = False

    def add(self, event: RequestHead | BodyData | EndOfRequest | Refusal, unread: int) -> None:
        before, consumed = self._consumed, len(self.fed) - unread
        assert before <= consumed <= len(self.fed), "bytes came back, or from nowhere"
        self._consumed = consumed
        source = bytes(self.fed[before:consumed])
        if isinstance(event, RequestHead):
            self._is_chunked = event.body_length is None
            self._check_head(event, source)
        elif isinstance(event, BodyData):
            assert source.endswith(event.data), "a body that was not sent"
            assert self._is_chunked or source == event.data, "part of a body is missing"
            self._join(event.data, consumed)
            return
        elif isinstance(event, EndOfRequest) and not self._is_chunked:
            assert not source, "the end of a request took bytes of the next one"
        self.steps.append((event, consumed))

    def _check_head(self, head: RequestHead, source: bytes) -> None:
        line = f"{head.method} {head.target} {head.version}\r\n".encode("latin-1")
        source = source.lstrip(b"\r\n")
        assert source.startswith(line), "another request line was sent"
        assert source.find(b"\r\n\r\n") == len(source) - 4, "a head too long or short"

    def _join(self, data: bytes, consumed: int) -> None:
        assert data, "an empty piece of a body"
        if isinstance(self.steps[-1][0], bytes):
            data = self.steps.pop()[0] + data  # type: ignore[operator]  # Known from the line above.
        self.steps.append((data, consumed))

    def check_unread(self, reader: RequestReader) -> None:
        """Consumed and unread bytes are the fed ones, none lost and none twice."""
        consumed = len(self.fed) - reader.unread_bytes
        assert consumed >= self._consumed, "bytes came back"
        unread = reader.take_unread()
        assert unread == self.fed[consumed:], "unread bytes are not the end of what was fed"
        assert reader.unread_bytes == 0, "bytes were handed out and kept"


def _check_stays_refused(reader: RequestReader, refusal: BadRequest) -> None:
    """Nothing says where a next request would begin: no event may follow."""
    for data in (b"", with_field(b"A: b"), b"\r\n\r\n"):
        reader.feed(data)
        again: object = None
        try:
            again = reader.next_event()
        except BadRequest as refused:
            again = refused
        assert again is refusal, f"after a refusal there was {again!r}"


def _check_waits(reader: RequestReader, limits: RequestLimits) -> None:
    assert reader.next_event() is NEED_DATA, "an event without another byte"
    # A line needs two bytes more than its limit, for its end.
    room = max(limits.max_head_bytes, limits.max_chunk_line_bytes + 2, limits.max_trailer_bytes + 2)
    assert reader.unread_bytes < room, "more is kept than any limit allows"


def _check_handing_over(data: bytes, steps: list[Step], limits: RequestLimits) -> None:
    """Between two requests another reader can go on with what is unread."""
    for number, (event, consumed) in enumerate(steps):
        if isinstance(event, EndOfRequest):
            rest = [(after, place - consumed) for after, place in steps[number + 1 :]]
            assert read_steps([data[consumed:]], limits) == rest, "a next reader sees another rest"
            return
