"""Signals, restarts and applications that try to end the process."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.case import Level, scenario
from tests.abuse.crowd import Address, ask, assert_others_are_served, crowd, read_until_closed
from tests.abuse.program import Program
from tests.abuse.wire import DEADLINE_S, converse, parse_answers

pytestmark = pytest.mark.processes

_GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
_HELD = _GET.replace(b"GET /", b"GET /held")
_SIGNALS = [signal.SIGTERM, signal.SIGINT]
_BOTH = pytest.mark.parametrize("number", _SIGNALS, ids=["sigterm", "sigint"])
# What users of other servers have asked for.
_FINISHED = "benoitc/gunicorn issue 2529 (requests in flight are not lost)"
_REFUSED = "benoitc/gunicorn issue 922 (the listener is closed at once)"
_IDLE = "benoitc/gunicorn issue 2297 (idle connections hold up no stop)"
_ENDED = "Pylons/waitress pull request 56 (the wait is bounded)"
_NAMED = "benoitc/gunicorn issue 1801 (which request, and where it hangs)"
_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


@pytest.fixture
def program() -> Iterator[Program]:
    with Program.serving() as running:
        running.address()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.py").write_text(_APP)
    return tmp_path


def _wait_until_refused(address: Address) -> None:
    """Refused at once, neither hanging in a queue nor accepted and forgotten."""
    until = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while time.monotonic() < until:
        try:
            socket.create_connection(address, timeout=1.0).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # Its handshake fell into the moment in which the listener was closed.
        pause.wait(0.01)
    raise AssertionError("New connections are still accepted")


@scenario("sigterm-inflight", Level.MUST, _FINISHED)
@scenario("sigterm-new-conns", Level.SHOULD, _REFUSED)
@scenario(
    "sigterm-inflight-answer", Level.MUST, "RFC 9112 section 9.6; benoitc/gunicorn issue 1236"
)
@scenario("sigint-inflight", Level.MUST, _FINISHED)
@_BOTH
def test_server_when_signalled_answers_what_is_in_flight_and_ends_with_0(
    program: Program, number: signal.Signals
) -> None:
    address = program.address()
    with crowd(address, 1, says=_HELD) as clients:
        program.wait_for("held")
        program.signal(number)
        _wait_until_refused(address)
        program.let_go()
        (answer,) = parse_answers(read_until_closed(clients[0]), is_head=False)
    assert (answer.status, answer.body, answer.is_whole) == (200, b"/held", True)
    assert answer.headers["connection"] == "close"
    assert program.wait() == 0


@scenario("sigterm-idle", Level.MUST, "own (0 on both signals: nothing went wrong)")
@scenario("sigint-idle", Level.MUST, "own (0 on both signals: nothing went wrong)")
@_BOTH
def test_run_prod_when_signalled_idle_ends_with_0(folder: Path, number: signal.Signals) -> None:
    with Program.run_prod(folder, "-h", "127.0.0.1", "-p", "0") as program:
        assert ask(program.address()).body == b"hello"
        program.signal(number)
        assert program.wait() == 0


@scenario("sigterm-keepalive-idle", Level.MUST, _IDLE)
@scenario("sigint-keepalive-idle", Level.MUST, _IDLE)
@_BOTH
def test_server_when_signalled_closes_idle_connections_at_once(
    program: Program, number: signal.Signals
) -> None:
    with crowd(program.address(), 20, says=_GET) as clients:
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        begun = time.monotonic()
        program.signal(number)
        for client in clients:
            assert read_until_closed(client) == b""
        assert program.wait() == 0
        # Far below the time that a silent connection would be kept otherwise.
        assert time.monotonic() - begun < 5.0


@scenario("sigterm-half-head", Level.SHOULD, _ENDED)
@_BOTH
def test_server_when_signalled_does_not_wait_long_for_half_a_head(number: signal.Signals) -> None:
    with (
        Program.serving(stop_head_timeout_s=0.3, linger_timeout_s=0.3) as program,
        crowd(program.address(), 5, says=_GET[:-4]),
    ):
        assert ask(program.address()).status == 200
        begun = time.monotonic()
        program.signal(number)
        assert program.wait() == 0
        # Far below the deadline that a head has otherwise.
        assert time.monotonic() - begun < 5.0


@scenario("sigterm-slow-body", Level.SHOULD, _FINISHED)
@_BOTH
def test_server_when_signalled_still_receives_the_body_that_is_in_flight(
    program: Program, number: signal.Signals
) -> None:
    address = program.address()
    head = b"POST /posted HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n"
    with crowd(address, 1, says=head + b"hello") as clients:
        assert ask(address).status == 200
        program.signal(number)
        _wait_until_refused(address)
        clients[0].sendall(b"world")
        (answer,) = parse_answers(read_until_closed(clients[0]), is_head=False)
    assert (answer.body, answer.headers["connection"]) == (b"/posted", "close")
    assert program.wait() == 0


@scenario("sigterm-hung-request", Level.SHOULD, f"{_ENDED}; {_NAMED}")
@scenario("sigint-hung-request", Level.SHOULD, f"{_ENDED}; {_NAMED}")
@_BOTH
def test_server_when_a_request_hangs_cuts_it_at_the_deadline_and_names_it(
    number: signal.Signals,
) -> None:
    with Program.serving(graceful_timeout_s=0.5, thread_join_timeout_s=0.1) as program:
        with crowd(program.address(), 1, says=_HELD) as clients:
            program.wait_for("held")
            program.signal(number)
            assert read_until_closed(clients[0]) == b""
        assert program.wait() == 0
        assert "GET '/held'" in program.output


@scenario("sigterm-hung-stack", Level.SHOULD, _NAMED)
def test_server_when_a_request_is_cut_logs_where_it_hung() -> None:
    with Program.serving(graceful_timeout_s=0.5, thread_join_timeout_s=0.1) as program:
        with crowd(program.address(), 1, says=_HELD) as clients:
            program.wait_for("held")
            program.signal(signal.SIGTERM)
            assert read_until_closed(clients[0]) == b""
        assert program.wait() == 0
        assert "served_program.py" in program.output
        assert "_hold" in program.output


@scenario("sigterm-twice", Level.SHOULD, _ENDED)
@scenario("sigint-twice", Level.SHOULD, _ENDED)
@_BOTH
def test_server_when_signalled_twice_ends_now(program: Program, number: signal.Signals) -> None:
    address = program.address()
    with crowd(address, 1, says=_HELD):
        program.wait_for("held")
        program.signal(number)
        _wait_until_refused(address)
        program.signal(number)
        assert program.wait() == 0


@scenario("restart-same-port", Level.MUST, "RFC 9293 section 3.3.2 (TIME-WAIT); socket(7)")
def test_run_prod_when_started_again_takes_the_same_port(folder: Path) -> None:
    with Program.run_prod(folder, "-h", "127.0.0.1", "-p", "0") as program:
        port = program.address()[1]
        with crowd(("127.0.0.1", port), 10, says=_GET) as clients:
            # The server closes first, so that TIME-WAIT is on its side.
            for client in clients:
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            program.signal(signal.SIGTERM)
            assert program.wait() == 0
    with Program.run_prod(folder, "-h", "127.0.0.1", "-p", str(port)) as again:
        assert ask(again.address()).body == b"hello"
        again.signal(signal.SIGTERM)
        assert again.wait() == 0


@scenario("port-in-use", Level.MUST, "own (never two servers that share a port unasked)")
def test_run_prod_when_the_port_is_taken_says_so_and_fails(folder: Path) -> None:
    with Program.run_prod(folder, "-h", "127.0.0.1", "-p", "0") as first:
        address = first.address()
        with Program.run_prod(folder, "-h", "127.0.0.1", "-p", str(address[1])) as second:
            assert second.wait(30.0) not in (0, None)
            second.wait_for("in use")
            assert "Traceback" not in second.output
        _assert_first_serves(address)


def _assert_first_serves(address: Address) -> None:
    """The one that was first still serves all of them."""
    for _ in range(10):
        assert ask(address).body == b"hello"


@scenario("kbint-in-app", Level.MUST, "PEP 3333, Error Handling; own")
@scenario("sysexit-in-app", Level.MUST, "PEP 3333, Error Handling; own")
@pytest.mark.parametrize("path", ["/interrupt", "/exit"])
def test_server_when_a_view_raises_what_ends_programs_goes_on(program: Program, path: str) -> None:
    address = program.address()
    # More often than there are threads: a thread that ended would be missing.
    for _ in range(20):
        assert ask(address, path).status == 500
    assert_others_are_served(address)
    program.signal(signal.SIGTERM)
    assert program.wait() == 0


@scenario("rss-after-20k-headers-abuse", Level.MUST, "CWE-400, CWE-401; RFC 6585 section 5")
def test_server_when_fed_names_and_heads_without_end_keeps_its_memory(program: Program) -> None:
    address = program.address()
    many = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 50) for number in range(20_000))
    _abuse_memory(address, many, rounds=5)
    before = program.resident_bytes
    _abuse_memory(address, many, rounds=50)
    assert program.resident_bytes - before < 8 * 1024 * 1024
    assert_others_are_served(address)


def _abuse_memory(address: Address, many: bytes, rounds: int) -> None:
    """Heads that are refused, and names, hosts and methods that are new each time."""
    for _ in range(rounds):
        (answer,) = parse_answers(
            converse(address, b"GET / HTTP/1.1\r\nHost: test\r\n" + many + b"\r\n"), is_head=False
        )
        assert answer.status == 431
        new = os.urandom(8).hex()
        fields = "".join(f"X-{new}-{number}: a\r\n" for number in range(90))
        head = f"M{new} / HTTP/1.1\r\nHost: {new}\r\n{fields}Connection: close\r\n\r\n"
        (answer,) = parse_answers(converse(address, head.encode()), is_head=False)
        assert answer.status == 200
