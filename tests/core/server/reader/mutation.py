"""Requests with some bytes replaced, at random and fast. Hypothesis is for what must shrink."""

import random

# What changes the meaning of a request where it stands.
FRAGMENTS = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"\0", b"\x7f", b"\xff", b"\x0b"),
    *(b"\r\n\r\n", b"\n\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"#", b"?", b"_", b'"', b"+", b"-"),
    *(b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"http://", b"*", b"@", b"/", b"CONNECT", b"chunked"),
    *(b"Host: b\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Connection: close\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"A : b\r\n"),
    *(b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n", b"X_Y: z\r\n"),
    *(b"Expect: 100-continue\r\n", b"Expect: x\r\n", b"Content-Type: a/b\r\n", b"Proxy: a\r\n"),
    *(b"Proxy-Connection: close\r\n", b"Connection: ,\r\n", b"Connection: close, x\r\n", b" x\r\n"),
]
# Behind these a line, a value or a word begins: there an edit matters.
BORDERS = b"\n :;,/"


def mutated(data: bytes, chance: random.Random) -> bytes:
    """With one to three edits."""
    for _ in range(chance.randint(1, 3)):
        start = _place(data, chance)
        end = start + chance.choice([0, 0, 0, 1, 2, 5])
        data = data[:start] + _piece(chance) + data[end:]
    return data


def _place(data: bytes, chance: random.Random) -> int:
    borders = [place + 1 for place, byte in enumerate(data) if byte in BORDERS]
    if borders and chance.random() < 0.7:
        return chance.choice(borders)
    return chance.randint(0, len(data))


def _piece(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.7:
        return chance.choice(FRAGMENTS)
    return bytes([chance.randrange(256)]) if kind < 0.9 else b""
