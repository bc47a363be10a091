"""Runs the application for one request, in a pool thread, by the rules of PEP 3333.

Nothing that an application does ends the server: whatever it raises becomes a 500, or a
cut connection when the head is out already.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wiverno.core.server.connection import ClientGoneError, Connection
from wiverno.core.server.environ import request_environ
from wiverno.core.server.forwarded import TrustedProxies
from wiverno.core.server.http_date import http_date
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.response_writer import ResponseError, ResponseWriter, plain_answer
from wiverno.core.wsgi_types import Environ, ExcInfo, HeaderList, WriteCallable, WSGIApplication

logger = logging.getLogger("wiverno.core.server")

# Behind a head of its own, more than this is sent as the application gave it: joined to the
# head it would be copied, once for each client that does not read. Less goes out in one send.
_JOINED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ResponseSummary:
    """What a line of a request log needs. `status` 0: the client got no answer.

    `remote_address` is the client, where a trusted proxy tells it; "" when it is not known.
    """

    method: str
    target: str
    status: int
    body_bytes: int
    duration_s: float
    remote_address: str
    protocol: str
    referer: str
    user_agent: str


class Gateway:
    """The application of one server and how to call it."""

    def __init__(
        self,
        application: WSGIApplication,
        server_environ: Environ,
        on_response: Callable[[ResponseSummary], None] | None,
        proxies: TrustedProxies,
    ) -> None:
        self._application = application
        self.server_environ = server_environ
        self._proxies = proxies
        self._on_response = on_response
        # Gets the answers that the server gives by itself, in the loop's thread.
        self.on_refusal: Callable[[ResponseSummary], None] | None = None
        # Set by the loop: answers say `Connection: close` from then on.
        self.is_closing = False

    def answer(self, connection: Connection) -> bool:
        """Answer the request that the connection holds; True when it may stay open."""
        head, body = connection.head, connection.body
        if head is None:
            return False
        exchange = _Exchange(head, connection.send, self)
        environ = request_environ(connection.environ, head, body, self._proxies)
        # Before the application writes into its environ.
        remote_address = environ["REMOTE_ADDR"]
        exchange.run(self._application, environ)
        connection.rest = exchange.rest
        if body is not None:
            body.close()
        if self._on_response is not None:
            duration_s = time.monotonic() - connection.started_at
            self._report(
                _summary(head, exchange.writer, duration_s, remote_address), self._on_response
            )
        return exchange.may_stay_open

    def refuse(self, connection: Connection, status: int, reason: str) -> bytes:
        """The answer of the server itself, logged; in the loop's thread, which must not wait."""
        head = connection.head
        is_head_request = head is not None and head.method == "HEAD"
        answer = plain_answer(status, reason, http_date(), is_head_request=is_head_request)
        if self.on_refusal is not None:
            self._report_refusal(self.on_refusal, connection, status, answer)
        return answer

    def _report_refusal(
        self,
        on_refusal: Callable[[ResponseSummary], None],
        connection: Connection,
        status: int,
        answer: bytes,
    ) -> None:
        head = connection.head
        address = connection.address[0] if connection.address else ""
        if head is not None:
            environ = request_environ(connection.environ, head, None, self._proxies)
            address = environ["REMOTE_ADDR"]
        fields = dict(head.headers) if head is not None else {}
        summary = ResponseSummary(
            method=head.method if head is not None else "",
            target=head.target if head is not None else "",
            status=status,
            body_bytes=len(answer.partition(b"\r\n\r\n")[2]),
            duration_s=0.0,
            remote_address=address,
            protocol=head.version if head is not None else "",
            referer=fields.get("referer", ""),
            user_agent=fields.get("user-agent", ""),
        )
        self._report(summary, on_refusal)

    def _report(
        self, summary: ResponseSummary, on_response: Callable[[ResponseSummary], None]
    ) -> None:
        try:
            on_response(summary)
        except Exception:
            logger.exception("The callable for finished responses failed")


def _summary(
    head: RequestHead, writer: ResponseWriter, duration_s: float, remote_address: str
) -> ResponseSummary:
    fields = dict(head.headers)
    return ResponseSummary(
        method=head.method,
        target=head.target,
        status=writer.status,
        body_bytes=writer.body_bytes,
        duration_s=duration_s,
        remote_address=remote_address,
        protocol=head.version,
        referer=fields.get("referer", ""),
        user_agent=fields.get("user-agent", ""),
    )


class _Exchange:
    """One request and its response."""

    __slots__ = ("_gateway", "_head", "_send", "is_cut", "rest", "writer")

    def __init__(self, head: RequestHead, send: Callable[[bytes], None], gateway: Gateway) -> None:
        self._head = head
        self._send = send
        self._gateway = gateway
        self.is_cut = False
        # What is left to send when the application is done: all of it, for most answers.
        self.rest = b""
        self.writer = ResponseWriter(
            is_http_1_1=head.version == "HTTP/1.1",
            is_head_request=head.method == "HEAD",
            keep_alive=head.keep_alive,
        )

    @property
    def may_stay_open(self) -> bool:
        return self.writer.keep_alive and not self.is_cut

    def run(self, application: WSGIApplication, environ: Environ) -> None:
        """Call the application and send what it gives; raises nothing."""
        try:
            result = application(environ, self._start_response)
            try:
                self._send_body(result)
            finally:
                # PEP 3333: always, also when the client is gone.
                close = getattr(result, "close", None)
                if close is not None:
                    close()
        except ClientGoneError:
            self.is_cut = True
            logger.debug("The client left during %s", self._name)
        except BaseException:  # SystemExit in a view is an answer, not the end of the server.
            logger.exception("The application failed at %s", self._name)
            self._fail()

    @property
    def _name(self) -> str:
        # repr: a target is the client's text and must not forge log lines.
        return f"{self._head.method} {self._head.target!r}"

    def _start_response(
        self, status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /
    ) -> WriteCallable:
        if exc_info is not None:
            try:
                if self.writer.is_open and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # A traceback that refers to this frame is a circle.
        elif self.writer.status:
            raise ResponseError("start_response was called twice without exc_info.")
        self.writer.start(status, headers)
        return self._write

    def _write(self, data: bytes) -> None:
        self._send_data(data)

    def _send_body(self, result: Iterable[bytes]) -> None:
        # PEP 3333 lets the server know the length when there is one piece only.
        if isinstance(result, list | tuple) and len(result) < 2:
            self._send_data(result[0] if result else b"", is_whole=True)
        else:
            for data in result:
                # The head waits for the first byte, so that a late error is still a 500.
                if data or not isinstance(data, bytes):
                    self._send_data(data)
                    if not self.writer.has_body:
                        break  # To HEAD nothing more will be sent, however long it goes on.
            if not self.writer.is_open:
                self._send_data(b"", is_whole=True)
        self._finish()

    def _send_data(self, data: bytes, *, is_whole: bool = False) -> None:
        if not isinstance(data, bytes):
            raise ResponseError(f"A body consists of bytes, not {type(data).__name__}.")
        writer = self.writer
        if writer.is_open:
            framed = writer.data(data)
            if framed:
                self._send(framed)
        else:
            if not writer.status:
                raise ResponseError("The application did not call start_response.")
            if self._gateway.is_closing:
                writer.keep_alive = False
            length = len(data) if is_whole else None
            if len(data) > _JOINED_BYTES:
                self._send(writer.open(b"", http_date(), length))
                framed = writer.data(data)
            else:
                framed = writer.open(data, http_date(), length)
            if is_whole:
                self.rest = framed
            elif framed:
                self._send(framed)

    def _finish(self) -> None:
        writer = self.writer
        end = writer.finish()
        if end:
            self.rest += end
        if writer.missing_bytes:
            logger.error(
                "%s: the body lacks %d bytes of its Content-Length; the connection is closed",
                self._name,
                writer.missing_bytes,
            )
        if writer.excess_bytes:
            logger.error(
                "%s: %d bytes beyond Content-Length were cut", self._name, writer.excess_bytes
            )

    def _fail(self) -> None:
        if self.writer.is_open:
            # A 500 in the middle of another body would be read as a part of it.
            self.is_cut = not self._is_whole()
            return
        self.is_cut = True
        self.writer.status = 500
        self.rest = plain_answer(
            500,
            "The application failed. The server's log has the traceback.",
            http_date(),
            is_head_request=self._head.method == "HEAD",
        )

    def _is_whole(self) -> bool:
        """Was everything sent before the failure, as when only `close()` fails?"""
        return self.writer.is_finished and not self.writer.missing_bytes
