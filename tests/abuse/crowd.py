"""Many clients at once, good ones and bad ones. Every wait has a deadline."""

import select
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.abuse.wire import DEADLINE_S, Answer, converse, parse_answers

# The sources speak of seconds. A server whose threads or loop are taken does not answer at
# all before a deadline of 15 or 30 s ends it.
SERVED_WITHIN_S = 3.0

Address = tuple[str, int]


def ask(address: Address, path: str = "/") -> Answer:
    """What a client gets that has done nothing wrong; it must not take long."""
    request = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode()
    begun = time.monotonic()
    answers = parse_answers(converse(address, request), is_head=False)
    took_s = time.monotonic() - begun
    assert took_s < SERVED_WITHIN_S, f"{path} took {took_s:.1f} s"
    assert len(answers) == 1
    return answers[0]


def assert_others_are_served(address: Address) -> None:
    """Several times: the first one may have found the last free thread."""
    for number in range(10):
        answer = ask(address, f"/{number}")
        assert (answer.status, answer.body) == (200, f"/{number}".encode())


@contextmanager
def crowd(
    address: Address, count: int, *, says: bytes = b"", receive_buffer_bytes: int | None = None
) -> Iterator[list[socket.socket]]:
    """Clients that connect, say something and stay."""
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.settimeout(DEADLINE_S)
            if receive_buffer_bytes is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            client.connect(address)
            client.sendall(says)
            clients.append(client)
        yield clients


def drip(client: socket.socket, *, every_s: float, within_s: float) -> bytes:
    """Send a byte now and then until the server ends it; what the server said."""
    until = time.monotonic() + within_s
    received = b""
    while time.monotonic() < until:
        if not select.select([client], [], [], every_s)[0]:
            try:
                client.send(b"a")
            except (BrokenPipeError, ConnectionResetError):
                return received
            continue
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data
    raise AssertionError(f"Still open after {within_s} s")


def read_until_closed(client: socket.socket, within_s: float = DEADLINE_S) -> bytes:
    """What the server says before it ends the connection."""
    client.settimeout(within_s)
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except ConnectionResetError:
        pass  # An end as well.
    return received


def flood(address: Address, count: int, path: str, within_s: float) -> Counter[str]:
    """So many clients at the same moment, each with one request: what became of them."""
    request = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode()
    outcomes: Counter[str] = Counter()
    until = time.monotonic() + within_s
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
            selector.register(client, selectors.EVENT_WRITE, bytearray())
        while selector.get_map() and time.monotonic() < until:
            for key, _ in selector.select(timeout=0.1):
                assert isinstance(key.fileobj, socket.socket)
                outcome = _go_on(selector, key.fileobj, key.data, request)
                if outcome:
                    outcomes[outcome] += 1
                    selector.unregister(key.fileobj)
        outcomes["unanswered"] += len(selector.get_map())
    return outcomes


def _go_on(
    selector: selectors.BaseSelector, client: socket.socket, received: bytearray, request: bytes
) -> str:
    """One step of one client; its outcome when it is done."""
    try:
        if selector.get_key(client).events == selectors.EVENT_WRITE:
            assert client.send(request) == len(request)
            selector.modify(client, selectors.EVENT_READ, received)
            return ""
        data = client.recv(65536)
    except ConnectionRefusedError:
        return "refused"
    except (BrokenPipeError, ConnectionResetError):
        return "reset"
    received += data
    return "" if data else _outcome(bytes(received))


def _outcome(received: bytes) -> str:
    answers = parse_answers(received, is_head=False)
    if len(answers) != 1 or not answers[0].is_whole:
        return "cut"
    if answers[0].status == 503 and "retry-after" not in answers[0].headers:
        return "503 without Retry-After"
    return str(answers[0].status)
