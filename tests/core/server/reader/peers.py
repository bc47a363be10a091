"""One stream of requests as wiverno, h11 and httptools read it, in the same words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import h11
import httptools

from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import BadRequest, RequestHead
from wiverno.core.server.request_reader import NEED_DATA, BodyData, RequestReader

_LIMITS = RequestLimits()


class End(Enum):
    """Why a parser gave no further request."""

    REFUSED = "refused"
    NEEDS_MORE = "needs more bytes"
    CLOSES = "the last request ends the connection"


@dataclass(slots=True)
class Request:
    """What an application would be told."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    keep_alive: bool = True
    # As it was sent; only wiverno's reader tells.
    source: bytes = field(default=b"", compare=False)


@dataclass(slots=True)
class Reading:
    """The complete requests, and what ended them."""

    requests: list[Request]
    end: End
    # The text of the refusal.
    reason: str = ""
    # What was left when no further request came; only wiverno's reader tells.
    rest: bytes = b""


def read_with_wiverno(data: bytes) -> Reading:
    """Stops after the last request of a connection, as the server does."""
    reader = RequestReader(_LIMITS)
    reader.feed(data)
    reading = Reading([], End.NEEDS_MORE, rest=data)
    request = Request("", "", "", [])
    try:
        while (event := reader.next_event()) is not NEED_DATA:
            if isinstance(event, RequestHead):
                request = Request(
                    event.method,
                    event.target,
                    event.version.removeprefix("HTTP/"),
                    list(event.headers),
                    keep_alive=event.keep_alive,
                )
            elif isinstance(event, BodyData):
                request.body += event.data
            else:
                end = len(data) - reader.unread_bytes
                request.source = data[len(data) - len(reading.rest) : end]
                reading.rest = data[end:]
                reading.requests.append(request)
                if not request.keep_alive:
                    reading.end = End.CLOSES
                    break
    except BadRequest as refusal:
        reading.end, reading.reason = End.REFUSED, refusal.reason
    return reading


def read_with_h11(data: bytes) -> Reading:
    """As a server would that answers each request at once."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LIMITS.max_head_bytes)
    connection.receive_data(data)
    reading = Reading([], End.NEEDS_MORE)
    request = Request("", "", "", [])
    try:
        while not isinstance(event := connection.next_event(), type(h11.NEED_DATA)):
            if isinstance(event, h11.Request):
                request = _from_h11(event)
            elif isinstance(event, h11.Data):
                request.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                reading.requests.append(request)
                # Not a 2xx: for CONNECT it would end HTTP on this connection.
                connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                request.keep_alive = connection.our_state is not h11.MUST_CLOSE
                if not request.keep_alive:
                    reading.end = End.CLOSES
                    break
                connection.start_next_cycle()
    except h11.RemoteProtocolError as refusal:
        reading.end, reading.reason = End.REFUSED, str(refusal)
    return reading


def _from_h11(event: h11.Request) -> Request:
    return Request(
        event.method.decode("latin-1"),
        event.target.decode("latin-1"),
        event.http_version.decode("latin-1"),
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers],
    )


class _Callbacks:
    """What httptools calls, piece by piece."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._request = Request("", "", "", [])
        self._is_head = True
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._request = Request("", "", "", [])
        self._is_head = True

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_head:  # Trailers come here, too.
            text = value.decode("latin-1").strip(" \t")
            self._request.headers.append((name.decode("latin-1").lower(), text))

    def on_headers_complete(self) -> None:
        self._is_head = False
        self._request.method = self.parser.get_method().decode("latin-1")
        self._request.version = self.parser.get_http_version()

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        if self._reading.end is not End.CLOSES:
            self._request.keep_alive = self.parser.should_keep_alive()
            self._reading.requests.append(self._request)
            if not self._request.keep_alive:
                self._reading.end = End.CLOSES


def read_with_httptools(data: bytes) -> Reading:
    """As a server would that serves no other protocol: what asks for one is a request."""
    reading = Reading([], End.NEEDS_MORE)
    try:
        while data:
            data = _feed_httptools(_Callbacks(reading), data)
    except httptools.HttpParserError as refusal:
        # What comes after the last request of a connection is no business of a parser.
        if reading.end is not End.CLOSES:
            reading.end, reading.reason = End.REFUSED, str(refusal)
    return reading


def _feed_httptools(callbacks: _Callbacks, data: bytes) -> bytes:
    """What follows a request that asked for another protocol."""
    try:
        callbacks.parser.feed_data(data)
    except httptools.HttpParserUpgrade as upgrade:
        return data[upgrade.args[0] :]
    return b""


PEERS: dict[str, Callable[[bytes], Reading]] = {
    "h11": read_with_h11,
    "httptools": read_with_httptools,
}
