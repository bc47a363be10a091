"""What clients do to the server, and which ends are right.

An episode is one connection from its begin to its end. It returns how it ended: a status,
`closed`, `reset` (which may also be raised, as ConnectionError), or a word of its own.
"""

import asyncio
import hashlib
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from benchmarks.soak.client import CLOSED, RESET, Client, outcome_of
from benchmarks.soak.served.application import HELLO, HUGE, STREAMED, STREAMED_TIMES

EPISODE_TIMEOUT_S = 90.0
"""Longer than any deadline of the server: what is still open then was forgotten."""

GAVE_UP = "gave up"
SERVED = "served"
DRIP_S = 0.5
DRIP_FOR_S = 45.0
"""Longer than the deadlines of heads and bodies."""

UPLOAD = os.urandom(1024 * 1024) * 4
UPLOAD_DIGEST = hashlib.sha256(UPLOAD).hexdigest().encode()
PIPELINED = 16

GET = b"GET %b HTTP/1.1\r\nHost: soak\r\n\r\n"
GET_AND_CLOSE = b"GET %b HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n"
POST = b"POST /upload HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n"

MALFORMED = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"G\0T / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 70_000),
    b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % (b"X: y\r\n" * 2_000),
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    # A client that speaks TLS.
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 20,
)
_malformed = itertools.cycle(MALFORMED)

REFUSED = frozenset({*("400", "408", "413", "414", "417", "431", "501", "505"), CLOSED, RESET})


@dataclass(frozen=True, slots=True)
class Abuse:
    """`clients` at once repeat the episode, each `pause_s` after the last one has ended."""

    name: str
    clients: int
    episode: Callable[[int], Awaitable[str]]
    """Takes the port."""
    right: frozenset[str]
    pause_s: float = 0.1


async def stay_idle(port: int) -> str:
    async with Client(port) as client:
        return outcome_of(await client.receive_all())


async def stay_idle_after_an_answer(port: int) -> str:
    async with Client(port) as client:
        await client.send(GET % b"/")
        answer = await client.receive_all()
        return CLOSED if answer.endswith(HELLO) else outcome_of(answer)


async def drip_a_head(port: int) -> str:
    return await drip(port, b"GET / HTTP/1.1\r\nHost: soak\r\nX-Slow: ", b"a")


async def drip_a_body(port: int) -> str:
    return await drip(port, POST + b"Content-Length: 1000000\r\n\r\n", b"0123456789")


async def drip(port: int, begin: bytes, piece: bytes) -> str:
    async with Client(port) as client:
        await client.send(begin)
        deadline = time.monotonic() + DRIP_FOR_S
        while time.monotonic() < deadline:
            await client.send(piece)
            received = await client.receive_within(DRIP_S)
            if received is not None:
                return outcome_of(received)
    return GAVE_UP


async def read_slowly(port: int) -> str:
    return await read_little(port, b"/huge", times=100)


async def read_a_stream_slowly(port: int) -> str:
    return await read_little(port, b"/stream", times=50)


async def read_little(port: int, path: bytes, times: int) -> str:
    async with Client(port, receive_buffer_bytes=4096) as client:
        await client.send(GET % path)
        for _ in range(times):
            if await client.receive(1024) == b"":
                return CLOSED
            await asyncio.sleep(0.2)
    return GAVE_UP


async def read_nothing(port: int) -> str:
    """Longer than the server waits; then what it has sent, and its end, can be read."""
    async with Client(port, receive_buffer_bytes=4096) as client:
        await client.send(GET % b"/huge")
        await asyncio.sleep(45)
        received = await client.receive_all()
        return CLOSED if len(received) < len(HUGE) else "all of it"


async def send_nonsense(port: int) -> str:
    async with Client(port) as client:
        await client.send(next(_malformed))
        return outcome_of(await client.receive_all())


async def close_one_half(port: int) -> str:
    async with Client(port) as client:
        await client.send(GET % b"/stream")
        client.end_sending()
        answer = await client.receive_all()
        # Chunked, so that each block stands whole in it.
        is_whole = answer.count(STREAMED) == STREAMED_TIMES and answer.endswith(b"\r\n0\r\n\r\n")
        return SERVED if is_whole else outcome_of(answer)


async def reset_in_an_answer(port: int) -> str:
    async with Client(port) as client:
        await client.send(GET % b"/large")
        await client.receive(10_000)
        client.reset()
    return GAVE_UP


async def reset_while_it_works(port: int) -> str:
    async with Client(port) as client:
        await client.send(GET % b"/wait")
        await asyncio.sleep(0.02)
        client.reset()
    return GAVE_UP


async def reset_in_a_body(port: int) -> str:
    async with Client(port) as client:
        await client.send(POST + b"Content-Length: 4000000\r\n\r\n" + UPLOAD[:1_000_000])
        client.reset()
    return GAVE_UP


async def connect_only(port: int) -> str:
    async with Client(port):
        return GAVE_UP


async def pipeline(port: int) -> str:
    async with Client(port) as client:
        await client.send((GET % b"/") * (PIPELINED - 1) + GET_AND_CLOSE % b"/")
        answers = await client.receive_all()
        is_whole = answers.count(b"HTTP/1.1 200 OK\r\n") == answers.count(HELLO) == PIPELINED
        return SERVED if is_whole else outcome_of(answers)


async def upload(port: int) -> str:
    return await send_body(port, b"Content-Length: %d\r\n\r\n" % len(UPLOAD), [UPLOAD])


async def upload_in_chunks(port: int) -> str:
    return await send_body(port, b"Transfer-Encoding: chunked\r\n\r\n", chunks())


async def send_body(port: int, framing: bytes, pieces: list[bytes] | Iterator[bytes]) -> str:
    async with Client(port) as client:
        await client.send(POST + framing)
        for piece in pieces:
            await client.send(piece)
        answer = await client.receive_all()
        return SERVED if answer.endswith(UPLOAD_DIGEST) else outcome_of(answer)


def chunks() -> Iterator[bytes]:
    for begin in range(0, len(UPLOAD), 100_000):
        data = UPLOAD[begin : begin + 100_000]
        yield b"%x\r\n%b\r\n" % (len(data), data)
    yield b"0\r\n\r\n"


async def fail(port: int) -> str:
    async with Client(port) as client:
        await client.send(GET_AND_CLOSE % b"/fail")
        return outcome_of(await client.receive_all())


_CUT = frozenset({"408", CLOSED, RESET, GAVE_UP})
_SERVED = frozenset({SERVED})

KINDS = (
    Abuse("idle connections", 150, stay_idle, frozenset({CLOSED})),
    Abuse("idle after an answer", 50, stay_idle_after_an_answer, frozenset({CLOSED})),
    Abuse("dripping heads", 50, drip_a_head, frozenset({"408", CLOSED, RESET})),
    Abuse("dripping bodies", 30, drip_a_body, frozenset({"408", CLOSED, RESET})),
    Abuse("slow readers", 4, read_slowly, _CUT),
    Abuse("slow readers of streams", 10, read_a_stream_slowly, _CUT),
    Abuse("readers of nothing", 2, read_nothing, frozenset({CLOSED, RESET})),
    Abuse("malformed requests", 4, send_nonsense, REFUSED),
    Abuse("half-closed connections", 2, close_one_half, _SERVED),
    Abuse("resets in an answer", 2, reset_in_an_answer, frozenset({GAVE_UP})),
    Abuse("resets while it works", 2, reset_while_it_works, frozenset({GAVE_UP})),
    Abuse("resets in a body", 2, reset_in_a_body, frozenset({GAVE_UP})),
    Abuse("connections without a byte", 2, connect_only, frozenset({GAVE_UP})),
    Abuse("pipelines", 2, pipeline, _SERVED),
    Abuse("large uploads", 1, upload, _SERVED, pause_s=0.5),
    Abuse("large uploads in chunks", 1, upload_in_chunks, _SERVED, pause_s=0.5),
    Abuse("failing requests", 1, fail, frozenset({"500"}), pause_s=0.5),
)
