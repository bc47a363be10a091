"""Clients that are slow, silent or many: what they hold must not be missing to the others."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.abuse.case import Level, scenario
from tests.abuse.crowd import (
    SERVED_WITHIN_S,
    ask,
    assert_others_are_served,
    crowd,
    drip,
    flood,
    read_until_closed,
)
from tests.abuse.program import Program
from tests.abuse.served_program import BLOCK, MIB, STREAM_PIECES
from tests.abuse.wire import DEADLINE_S, parse_answers

pytestmark = pytest.mark.processes

_GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
_POST_HEAD = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n"
_SLOWLORIS = "CVE-2007-6750 (slowloris); RFC 9112 section 9.5"
_SLOW_BODY = "CWE-400 (R.U.D.Y.); RFC 9112 section 9.5"
_SLOW_READ = "CWE-400 (slow read); RFC 9112 section 9.5"
_EXHAUSTION = "CWE-770, CWE-774; accept(2), EMFILE"
_SMALL_BUFFER_BYTES = 4096


@pytest.fixture(scope="module", autouse=True)
def _enough_descriptors() -> Iterator[None]:
    """A thousand sockets here and a thousand in the server, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """With default settings, for all crowds: what one leaves behind the next one meets."""
    with Program.serving() as running:
        running.address()
        yield running


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + DEADLINE_S
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        nobody.settimeout(0.02)
        while not condition():
            assert time.monotonic() < until, f"not within {DEADLINE_S} s: {what}"
            with pytest.raises(TimeoutError):
                nobody.accept()


@scenario("slowloris-500-idle", Level.MUST, _SLOWLORIS)
def test_server_when_500_clients_say_nothing_serves_others(program: Program) -> None:
    with crowd(program.address(), 500):
        assert_others_are_served(program.address())


@scenario("slowloris-500-partial", Level.MUST, _SLOWLORIS)
def test_server_when_500_clients_stop_in_the_head_serves_others(program: Program) -> None:
    with crowd(program.address(), 500, says=_GET[:-4]):
        assert_others_are_served(program.address())


@scenario("slowloris-500-keepalive", Level.MUST, _SLOWLORIS)
def test_server_when_500_clients_keep_connections_serves_them_and_others(
    program: Program,
) -> None:
    with crowd(program.address(), 500, says=_GET) as clients:
        assert_others_are_served(program.address())
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        # Kept means kept: a second request on the same connection.
        for client in clients[::5]:
            client.sendall(_GET)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@scenario("slow-body-50", Level.MUST, _SLOW_BODY)
def test_server_when_50_bodies_do_not_come_serves_others(program: Program) -> None:
    with crowd(program.address(), 50, says=_POST_HEAD + b"a" * 10) as clients:
        assert_others_are_served(program.address())
        for client in clients:
            client.sendall(b"a")
        assert_others_are_served(program.address())


@scenario("slow-body-50-chunked", Level.MUST, _SLOW_BODY)
def test_server_when_50_chunked_bodies_do_not_end_serves_others(program: Program) -> None:
    head = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"
    with crowd(program.address(), 50, says=head):
        assert_others_are_served(program.address())


@scenario("slow-reader-50", Level.MUST, _SLOW_READ)
def test_server_when_50_clients_leave_large_answers_serves_others(program: Program) -> None:
    before = program.resident_bytes
    request = _GET.replace(b"GET /", b"GET /block")
    with crowd(
        program.address(), 50, says=request, receive_buffer_bytes=_SMALL_BUFFER_BYTES
    ) as clients:
        for client in clients:
            assert client.recv(5) == b"HTTP/"
        assert_others_are_served(program.address())
        # The application's own bytes are sent; 50 copies of them would be a gigabyte.
        assert program.resident_bytes - before < 10 * len(BLOCK)


@scenario("slow-reader-50-stream", Level.MUST, _SLOW_READ)
def test_server_when_50_clients_leave_streams_serves_others(program: Program) -> None:
    # More than the kernel takes on both sides, so that somebody has to keep the rest.
    assert STREAM_PIECES * 64 * 1024 == 4 * MIB
    request = _GET.replace(b"GET /", b"GET /stream")
    with crowd(program.address(), 50, says=request, receive_buffer_bytes=_SMALL_BUFFER_BYTES):
        assert_others_are_served(program.address())


@scenario("flood-1000", Level.SHOULD, "CWE-770; RFC 9110 section 15.6.4 (503, Retry-After)")
def test_server_when_1000_clients_come_at_once_answers_each_of_them(program: Program) -> None:
    outcomes = flood(program.address(), 1000, "/slow", within_s=30.0)

    assert set(+outcomes) <= {"200", "503"}, outcomes
    assert sum(outcomes.values()) == 1000
    # Eight threads at 10 ms: a bound on the queue may refuse some, not most.
    assert outcomes["200"] >= 500


@scenario("after-all-alive", Level.MUST, "CWE-404; own (nothing of the crowds is left)")
def test_server_when_the_crowds_have_gone_holds_nothing_of_them(program: Program) -> None:
    with crowd(program.address(), 50, says=_POST_HEAD + b"a" * 10):
        assert_others_are_served(program.address())

    _wait_until(lambda: program.descriptors < 20, "the descriptors of the crowds closed")
    assert_others_are_served(program.address())


@scenario("header-timeout", Level.SHOULD, _SLOWLORIS)
def test_server_when_a_head_does_not_end_ends_the_connection() -> None:
    with (
        Program.serving(head_timeout_s=1.0) as program,
        crowd(program.address(), 1, says=_GET[:-4]) as clients,
    ):
        assert parse_answers(read_until_closed(clients[0]), is_head=False)[0].status == 408


@scenario("header-silent-timeout", Level.SHOULD, _SLOWLORIS)
def test_server_when_a_client_says_nothing_closes_without_a_word() -> None:
    with (
        Program.serving(keep_alive_timeout_s=1.0) as program,
        crowd(program.address(), 1) as clients,
    ):
        assert read_until_closed(clients[0]) == b""


@scenario("header-drip-timeout", Level.SHOULD, f"{_SLOWLORIS} (a deadline, no idle timer)")
def test_server_when_a_head_drips_ends_the_connection() -> None:
    with (
        Program.serving(head_timeout_s=1.0) as program,
        crowd(program.address(), 1, says=_GET[:-2] + b"X-A: ") as clients,
    ):
        received = drip(clients[0], every_s=0.1, within_s=6.0)
        assert parse_answers(received, is_head=False)[0].status == 408


@scenario("keepalive-timeout", Level.SHOULD, "RFC 9112 section 9.5")
def test_server_when_a_kept_connection_stays_silent_closes_it() -> None:
    with (
        Program.serving(keep_alive_timeout_s=1.0) as program,
        crowd(program.address(), 1, says=_GET) as clients,
    ):
        assert len(parse_answers(read_until_closed(clients[0]), is_head=False)) == 1


@scenario("body-timeout", Level.SHOULD, _SLOW_BODY)
def test_server_when_a_body_stops_ends_the_connection() -> None:
    with (
        Program.serving(body_timeout_s=1.0) as program,
        crowd(program.address(), 1, says=_POST_HEAD + b"a") as clients,
    ):
        assert parse_answers(read_until_closed(clients[0]), is_head=False)[0].status == 408


@scenario("body-drip-timeout", Level.SHOULD, f"{_SLOW_BODY} (a rate, no idle timer)")
def test_server_when_a_body_drips_ends_the_connection() -> None:
    with (
        Program.serving(body_timeout_s=1.0) as program,
        crowd(program.address(), 1, says=_POST_HEAD) as clients,
    ):
        received = drip(clients[0], every_s=0.1, within_s=6.0)
        assert parse_answers(received, is_head=False)[0].status == 408


@scenario("reader-timeout", Level.SHOULD, _SLOW_READ)
def test_server_when_a_client_takes_nothing_ends_the_connection() -> None:
    request = _GET.replace(b"GET /", b"GET /block")
    with (
        Program.serving(write_timeout_s=1.0) as program,
        crowd(
            program.address(), 5, says=request, receive_buffer_bytes=_SMALL_BUFFER_BYTES
        ) as clients,
    ):
        for client in clients:
            assert client.recv(5) == b"HTTP/"
        _wait_until(lambda: program.descriptors < 15, "the connections closed")
        assert_others_are_served(program.address())


@scenario("queue-full-503", Level.SHOULD, "CWE-770; RFC 9110 section 15.6.4, 10.2.3")
def test_server_when_the_queue_is_full_says_so_at_once() -> None:
    with Program.serving(threads=1, max_queued_requests=2) as program:
        address = program.address()
        with crowd(address, 1, says=_GET.replace(b"GET /", b"GET /held")) as held:
            program.wait_for("held")
            with crowd(address, 10, says=_GET) as clients:
                # Two wait; what comes behind them learns it while the thread is held.
                for client in clients[3:]:
                    answer = parse_answers(client.recv(65536), is_head=False)[0]
                    assert answer.status == 503
                    assert int(answer.headers["retry-after"]) > 0
                program.let_go()
                for client in (*held, *clients[:2]):
                    assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@scenario("fd-exhaustion", Level.MUST, _EXHAUSTION)
def test_server_when_descriptors_run_out_neither_spins_nor_dies() -> None:
    limit = 64
    with Program.serving(descriptors=limit) as program:
        address = program.address()
        with crowd(address, 2 * limit, says=_GET[:-4]) as clients:
            _wait_until(lambda: program.descriptors > limit * 0.7, "most descriptors taken")
            before = program.cpu_s
            clients[0].settimeout(1.0)
            with pytest.raises(TimeoutError):
                clients[0].recv(1)
            # Accepting in vain without a pause takes all of the second.
            assert program.cpu_s - before < 0.4
        _wait_until(lambda: program.descriptors < 20, "the descriptors given back")
        assert_others_are_served(address)


@scenario("fd-exhaustion-keepalive", Level.SHOULD, f"{_EXHAUSTION}; RFC 9112 section 9.5")
def test_server_when_idle_connections_hold_all_descriptors_closes_the_oldest() -> None:
    limit = 64
    with Program.serving(descriptors=limit, accept_pause_s=0.1) as program:
        address = program.address()
        with ExitStack() as clients:
            for _ in range(limit + 32):
                client = socket.create_connection(address, timeout=SERVED_WITHIN_S)
                clients.enter_context(client).sendall(_GET)
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert ask(address).status == 200
