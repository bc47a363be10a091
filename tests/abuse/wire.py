"""What a client sees: every byte, and the answers in them as RFC 9112 frames them."""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.abuse.case import Await, Sent

DEADLINE_S = 10.0
_RECEIVE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. `is_whole`: its framing says that nothing is missing."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool


def converse(address: tuple[str, int], sent: Sent, *, half_close: bool = False) -> bytes:
    """Send, and receive all the while, until the server ends the connection.

    A client that only sends would block where the server has refused already.
    """
    with socket.create_connection(address, timeout=DEADLINE_S) as sock:
        sock.setblocking(False)
        conversation = _Conversation(sock, [sent] if isinstance(sent, bytes) else sent)
        return conversation.run(half_close=half_close)


class _Conversation:
    def __init__(self, sock: socket.socket, pieces: Sequence[bytes | Await]) -> None:
        self._sock = sock
        self._pieces = list(pieces)
        self._out = memoryview(b"")
        self._received = bytearray()
        # An `Await` looks from here.
        self._awaited = 0

    def run(self, *, half_close: bool) -> bytes:
        until = time.monotonic() + DEADLINE_S
        must_shut = half_close
        while True:
            self._take_pieces()
            if must_shut and not self._out and not self._pieces:
                must_shut = False
                self._sock.shutdown(socket.SHUT_WR)
            wanted = [self._sock] if self._out else []
            readable, writable, _ = select.select(
                [self._sock], wanted, [], max(0.0, until - time.monotonic())
            )
            if not readable and not writable:
                raise AssertionError(f"Still open after {DEADLINE_S} s: {bytes(self._received)!r}")
            if (writable and not self._send()) or (readable and not self._receive()):
                return bytes(self._received)

    def _take_pieces(self) -> None:
        while self._pieces and not self._out:
            piece = self._pieces[0]
            if isinstance(piece, Await):
                found = self._received.find(piece.text, self._awaited)
                if found < 0:
                    return
                self._awaited = found + len(piece.text)
            else:
                self._out = memoryview(piece)
            del self._pieces[0]

    def _send(self) -> bool:
        try:
            self._out = self._out[self._sock.send(self._out) :]
        except (BrokenPipeError, ConnectionResetError):
            # The server has had enough; what it said before is still to be read.
            self._out = memoryview(b"")
            self._pieces.clear()
        return True

    def _receive(self) -> bool:
        try:
            data = self._sock.recv(_RECEIVE_BYTES)
        except ConnectionResetError:
            return False
        self._received += data
        return bool(data)


def parse_answers(received: bytes, *, is_head: bool) -> list[Answer]:
    """The answers one behind the other, 1xx too; `is_head`: the first one answers HEAD.

    Raises AssertionError where bytes stand between answers that belong to none.
    """
    answers: list[Answer] = []
    while received:
        answer, received = _parse_answer(received, has_body=not (is_head and not answers))
        answers.append(answer)
    return answers


def _parse_answer(received: bytes, *, has_body: bool) -> tuple[Answer, bytes]:
    head, end, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), f"No answer begins here: {received[:200]!r}"
    assert end, f"Half a head: {head!r}"
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(": ")
        assert colon, f"No header: {line!r}"
        assert name.lower() not in headers, f"Twice: {line!r}"
        headers[name.lower()] = value
    if not has_body or status < 200 or status in (204, 304):
        return Answer(status, headers, b"", is_whole=True), rest
    body, is_whole, rest = _parse_body(headers, rest)
    return Answer(status, headers, body, is_whole), rest


def _parse_body(headers: dict[str, str], rest: bytes) -> tuple[bytes, bool, bytes]:
    if "transfer-encoding" in headers:
        assert headers["transfer-encoding"] == "chunked"
        assert "content-length" not in headers
        return _parse_chunks(rest)
    if "content-length" in headers:
        length = int(headers["content-length"])
        return rest[:length], len(rest) >= length, rest[length:]
    assert headers.get("connection") == "close", "Nothing says where this answer ends."
    return rest, True, b""


def _parse_chunks(rest: bytes) -> tuple[bytes, bool, bytes]:
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return body, False, b""
        size = int(line, 16)
        data, after, rest = rest[:size], rest[size : size + 2], rest[size + 2 :]
        body += data
        if after != b"\r\n":
            assert b"\r\n".startswith(after), f"A chunk is longer than {size}: {after!r}"
            return body, False, b""
        if size == 0:
            return body, True, rest
