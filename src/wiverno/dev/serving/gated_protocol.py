"""One HTTP connection of an ASGI application: uvicorn's protocol with the gate before it.

uvicorn parses what comes as it comes. Here a request is given to it when its head is complete,
no earlier request of the connection is being answered, and the gate has said yes; what lies
behind it stays unparsed, so that the connection can still go to another process.
"""

import asyncio
import logging
import os
import socket
from typing import TYPE_CHECKING, Any, Protocol

from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import BadRequest
from wiverno.core.server.request_reader import END_OF_REQUEST, NEED_DATA, RequestReader

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.protocols.http.h11_impl import H11Protocol as _Uvicorn
    from uvicorn.server import ServerState
else:
    # One of uvicorn's two HTTP protocols comes behind this class: `gated`.
    _Uvicorn = object

logger = logging.getLogger(__name__)

# The largest body that is told from what follows it. Beyond, the connection ends with it.
_LIMITS = RequestLimits(max_body_bytes=1 << 40)
# Of requests that wait for the one before; as the WSGI server has it.
_MOST_UNREAD_BYTES = 64 * 1024


class Traffic(Protocol):
    """What a connection asks of the serving that it belongs to."""

    is_leaving: bool
    """Nothing more begins here."""

    def may_begin(self) -> bool:
        """Asked once per request. After a no everything that has not begun was let go of."""

    def hand_over(self, connection: socket.socket, received: bytes) -> None:
        """Takes a connection, with the bytes that were read and not parsed."""


class GatedProtocol(_Uvicorn):
    """Gives requests to uvicorn's parser one at a time, or the connection to somebody else."""

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        traffic: Traffic,
        received: bytes = b"",
    ) -> None:
        """`received` was read by the process that had the connection before."""
        super().__init__(config, server_state, app_state)
        self._traffic = traffic
        self._received = received
        # It says where a request ends; the same bytes wait in the buffer until they are parsed.
        self._reader = RequestReader(_LIMITS)
        self._unparsed = bytearray()
        self._is_between_requests = True
        self._is_unframed = False
        self._waits_until_sent = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._received or self._traffic.is_leaving:
            self.data_received(self._received)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._is_unframed:
            super().data_received(data)
            return
        self._reader.feed(data)
        self._unparsed += data
        self._advance()

    def on_response_complete(self) -> None:
        if self._is_unframed:
            # Nothing says where a next request would begin.
            self.transport.close()
        super().on_response_complete()
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._advance()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._waits_until_sent:
            self._waits_until_sent = False
            # Not from within the transport's own sending, which goes on after this.
            self.loop.call_soon(self.leave)

    def leave(self) -> None:
        """Let go of the connection, unless a request is under way: then after it."""
        if self._is_between_requests and not self._is_answering():
            self._release()

    def _advance(self) -> None:
        """Parse what may be parsed of that which is here."""
        while not self.transport.is_closing():
            if self._is_between_requests:
                if self._is_answering():
                    self._bound_unread()
                    return
                if not self._may_begin():
                    return
                self._is_between_requests = False
            is_whole = self._parse_some()
            if self.transport.get_protocol() is not self:
                self._pass_on()
                return
            if not is_whole:
                return
            self._is_between_requests = True

    def _may_begin(self) -> bool:
        if self._traffic.is_leaving:
            self.leave()
            return False
        return self._reader.is_head_complete() and self._traffic.may_begin()

    def _parse_some(self) -> bool:
        """Hand on what is here of this request; is that all of it?"""
        is_whole = False
        try:
            while not is_whole and (event := self._reader.next_event()) is not NEED_DATA:
                is_whole = event is END_OF_REQUEST
            taken = len(self._unparsed) - self._reader.unread_bytes
        except BadRequest:
            # Stricter than uvicorn, which is to say what it makes of it, as in production.
            self._is_unframed = True
            taken = len(self._unparsed)
        data = bytes(self._unparsed[:taken])
        del self._unparsed[:taken]
        if data:
            super().data_received(data)
        return is_whole

    def _pass_on(self) -> None:
        """To the WebSocket protocol, which has the connection now."""
        rest = bytes(self._unparsed)
        self._unparsed.clear()
        protocol = self.transport.get_protocol()
        if rest and isinstance(protocol, asyncio.Protocol):
            protocol.data_received(rest)

    def _is_answering(self) -> bool:
        # None, whatever its type says, before the first request.
        return bool(self.cycle) and not self.cycle.response_complete

    def _bound_unread(self) -> None:
        if len(self._unparsed) > _MOST_UNREAD_BYTES:
            self.transport.pause_reading()

    def _release(self) -> None:
        if self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size():
            # Two processes must not write to it at once. With this limit the transport says
            # when it has nothing left to send.
            self._waits_until_sent = True
            self.transport.set_write_buffer_limits(high=0)
            return
        self._unset_keepalive_if_required()
        received = bytes(self._unparsed)
        self._unparsed.clear()
        number = self.transport.get_extra_info("socket").fileno()
        try:
            connection = socket.socket(fileno=os.dup(number))
        except OSError:
            logger.exception("A connection could not be handed over and is closed")
            self.transport.close()
            return
        # It closes its descriptor without a shutdown, so the other one lives on.
        self.transport.close()
        self._traffic.hand_over(connection, received)


def gated(protocol: type[asyncio.Protocol]) -> type[GatedProtocol]:
    """That class of uvicorn's, with the gate before it."""
    return type("Gated", (GatedProtocol, protocol), {})
