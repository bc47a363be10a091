"""More than the server wants to hold: slow readers, slow senders, too many requests or clients."""

import errno
import logging
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from tests.core.server.serving import (
    DEADLINE_S,
    GET,
    Client,
    Closing,
    Held,
    LoopThread,
    ServerThread,
    get,
    hello,
)
from wiverno.core.server.accept_loop import Load
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]
RunLoop = Callable[..., LoopThread]

PIECES = 300
PIECE_BYTES = 50_000


def stream(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """15 MB in pieces, more than any socket takes, at /stream."""
    if environ["PATH_INFO"] != "/stream":
        yield from hello(environ, start_response)
        return
    start_response("200 OK", [("Content-Length", str(PIECES * PIECE_BYTES))])
    for number in range(PIECES):
        yield bytes([number % 256]) * PIECE_BYTES


def test_readers_that_pause_hold_no_thread_and_get_all_of_it(serve: Serve) -> None:
    server = serve(stream, threads=2, output_memory_bytes=100_000)
    slow = [server.connect() for _ in range(6)]
    for client in slow:
        client.send(get("/stream"))
        assert client.answer_line() == b"HTTP/1.1 200 OK\r\n"

    with server.connect() as other:
        assert other.ask(get("/other")).body == b"/other"

    for client in slow:
        while client.answer_line() != b"\r\n":
            pass
        assert client.file.read(PIECES * PIECE_BYTES) == b"".join(
            bytes([number % 256]) * PIECE_BYTES for number in range(PIECES)
        )
        assert client.ask(get("/again")).body == b"/again"
        client.close()


def test_end_of_an_answer_that_its_reader_has_not_taken_holds_up_nobody(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        if environ["PATH_INFO"] == "/large":
            yield b"x" * 20_000_000  # In one piece, so that no thread waits for its reader.

    server = serve(
        application, output_memory_bytes=1000, output_spool_bytes=1000, write_timeout_s=60.0
    )
    with server.connect() as slow, server.connect() as other:
        slow.send(get("/large"))
        assert slow.answer_line() == b"HTTP/1.1 200 OK\r\n"
        for _ in range(20):  # Whenever the end of the large one comes.
            assert other.ask(get("/small")).status == 200
        slow.file.readline()
        while slow.answer_line() != b"\r\n":
            pass
        assert slow._chunks() == b"x" * 20_000_000


def test_reader_that_leaves_with_an_answer_on_disk_leaves_no_file(serve: Serve) -> None:
    before = files_without_name()
    server = serve(stream, threads=1, output_memory_bytes=100_000)
    with server.connect() as client:
        client.send(get("/stream"))
        assert client.answer_line() == b"HTTP/1.1 200 OK\r\n"
        with server.connect() as other:  # Its thread is free: the rest is on disk.
            assert other.ask(GET).status == 200
        assert files_without_name() > before
    with server.connect() as other:
        assert other.ask(GET).status == 200
    server.stop()
    assert files_without_name() == before


def files_without_name() -> set[str]:
    """What this process has open of what TemporaryFile gives."""
    found = (os.path.realpath(each) for each in Path("/proc/self/fd").iterdir())
    return {name for name in found if name.endswith("(deleted)")}


def test_reader_that_sips_is_cut_by_its_rate(serve: Serve) -> None:
    result = Closing(b"x" * 100_000 for _ in range(500))

    def application(environ: Environ, start_response: StartResponse) -> Closing:
        start_response("200 OK", [])
        return result

    server = serve(
        application,
        output_memory_bytes=1000,
        output_spool_bytes=1000,
        write_timeout_s=0.3,
        min_bytes_per_s=1_000_000_000,
    )
    taken = 0
    with server.connect() as client:
        client.send(GET)
        # Each sip is progress: without the rate it would go on to the end.
        while taken < 20_000_000 and not result.closed.wait(0.01):
            taken += len(client.sock.recv(50_000))
    assert taken < 20_000_000


def test_body_that_drips_is_answered_with_408(serve: Serve) -> None:
    server = serve(hello, body_timeout_s=0.5, min_bytes_per_s=1000)
    with server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        client.sock.settimeout(0.05)
        for _ in range(100):
            client.send(b"x")
            try:
                answer = client.sock.recv(12)
            except TimeoutError:
                continue
            assert answer == b"HTTP/1.1 408"
            return
    pytest.fail("A body of twenty bytes a second was waited for")


def test_body_at_a_steady_rate_may_take_longer_than_the_timeout(serve: Serve) -> None:
    server = serve(hello, body_timeout_s=0.5, min_bytes_per_s=1000)
    with server.connect() as client:
        client.send(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
        pause = threading.Event()
        for _ in range(20):
            client.send(b"x" * 150)
            pause.wait(0.05)
        assert client.answer().body == b"/p"


def test_load_tells_of_threads_queue_and_connections(serve: Serve) -> None:
    held = Held()
    server = serve(held, threads=1)
    with server.connect() as first, server.connect() as second, server.connect() as idle:
        assert idle.ask(GET).status == 200
        first.send(get("/held"))
        held.wait_entered()
        second.send(get("/second"))
        load = wait_for_queue(server)
        held.go.set()
        assert second.answer().body == b"/second"
    assert (load.threads, load.busy_threads, load.queued_requests, load.connections) == (1, 1, 1, 3)
    server.stop()
    assert server.server.load is None


def wait_for_queue(server: ServerThread) -> Load:
    patience = threading.Event()
    for _ in range(1000):
        load = server.server.load
        if load is not None and load.queued_requests:
            return load
        patience.wait(DEADLINE_S / 1000)
    pytest.fail("The second request was not queued")


def test_full_queue_is_a_503_that_says_when_to_come_back(serve: Serve) -> None:
    held = Held()
    server = serve(held, threads=1, max_queued_requests=1)
    with server.connect() as first, server.connect() as second, server.connect() as third:
        first.send(get("/held"))
        held.wait_entered()
        second.send(get("/second"))
        answer = third.ask(get("/third"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["connection"] == "close"
        held.go.set()
        assert first.answer().body == b"/held"
        assert second.answer().body == b"/second"


def test_connection_beyond_the_limit_takes_the_place_of_the_longest_idle_one(
    serve: Serve,
) -> None:
    server = serve(hello, max_connections=3)
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        assert client.ask(GET).status == 200

    with server.connect() as fourth:
        assert fourth.ask(GET).status == 200
        assert clients[0].rest() == b""
        assert clients[2].ask(GET).status == 200
    for client in clients:
        client.close()


def test_connection_beyond_the_limit_waits_while_all_are_busy(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    server = serve(held, max_connections=2, accept_pause_s=0.05)
    busy = [server.connect() for _ in range(2)]
    for client in busy:
        client.send(get("/held"))
        held.wait_entered()

    with server.connect() as third:
        third.send(get("/third"))
        assert "2 connections are open" in logged(caplog)
        held.go.set()
        for client in busy:
            assert client.answer().body == b"/held"
        assert third.answer().body == b"/third"
    for client in busy:
        client.close()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What the server has said, as soon as it has said anything."""
    patience = threading.Event()
    for _ in range(1000):
        if caplog.text:
            break
        patience.wait(DEADLINE_S / 1000)
    return caplog.text


def test_client_in_the_backlog_at_the_order_to_stop_is_answered(run_loop: RunLoop) -> None:
    is_asked, may_go_on = threading.Event(), threading.Event()
    requests = count()

    def hold_the_loop() -> bool:
        if next(requests) == 0:
            return True
        is_asked.set()
        return may_go_on.wait(DEADLINE_S)

    running = run_loop(hello, may_dispatch=hold_the_loop)
    with running.connect() as first:
        # The second one, so that the loop is not held while it accepts.
        assert first.ask(GET).status == 200
        first.send(get("/first"))
        assert is_asked.wait(DEADLINE_S)
        running.loop.drain(DEADLINE_S)
        with running.connect() as queued:
            queued.send(get("/queued"))
            may_go_on.set()
            assert first.answer().body == b"/first"
            assert queued.answer().body == b"/queued"
    running.thread.join(DEADLINE_S)
    assert not running.thread.is_alive()


def test_request_that_is_cut_is_named_with_its_stack(
    run_loop: RunLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "wiverno.core.server")
    held = Held()
    running = run_loop(held, settings=ServerSettings(threads=1))
    with running.connect() as client, running.connect() as queued:
        client.send(get("/held"))
        held.wait_entered()
        queued.send(get("/queued"))
        running.loop.drain(0.0)
        assert client.rest() == b""
        held.go.set()
        running.stop()
    assert "in __call__" in caplog.text
    assert "assert self.go.wait(DEADLINE_S)" in caplog.text


EXHAUSTED = """
import os, resource, sys, time
from wiverno.core.server import RunServer
from wiverno.core.server.settings import ServerSettings

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

def application(environ, start_response):
    start_response("200 OK", [])
    return [str(time.process_time()).encode()]

class Announcing(RunServer):
    def _log_start(self):
        print(self.addresses[0][1], flush=True)

# More than there are descriptors, so that accept() itself fails.
settings = ServerSettings(max_connections=1000, accept_pause_s=0.05)
Announcing(application, "127.0.0.1", 0, 128, settings=settings).start()
"""


@pytest.mark.processes
def test_server_without_descriptors_serves_on_and_does_not_spin(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(EXHAUSTED)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = ("127.0.0.1", int(process.stdout.readline()))
        idle: list[socket.socket] = []
        try:
            with Client(address) as client:
                before_s = float(client.ask(GET).body)
            idle.extend(socket.create_connection(address, DEADLINE_S) for _ in range(100))
            with Client(address) as client:
                after_s = float(client.ask(GET).body)
            assert after_s - before_s < 0.5
        finally:
            for each in idle:
                each.close()
            process.terminate()
            assert process.wait(DEADLINE_S) == 0


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Every file of this process is full at this size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_disk_that_fills_up_costs_the_answer_of_one_slow_reader(serve: Serve) -> None:
    server = serve(stream, threads=1, output_memory_bytes=100_000)
    with server.connect() as slow, server.connect() as other, largest_file(1_010_000):
        slow.send(get("/stream"))
        assert slow.answer_line() == b"HTTP/1.1 200 OK\r\n"
        assert other.ask(GET).status == 200
        assert len(slow.rest()) < PIECES * PIECE_BYTES
        assert other.ask(GET).status == 200


def test_disk_that_fills_up_costs_one_upload(serve: Serve) -> None:
    server = serve(hello, body_memory_bytes=10_000)
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    with server.connect() as client, server.connect() as other, largest_file(100_000):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):  # It is cut while it sends.
            for _ in range(1000):
                client.send(chunk)
            client.rest()
        assert other.ask(GET).status == 200


def test_disk_that_takes_no_file_costs_one_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def refuse(**arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    server = serve(stream, threads=1, output_memory_bytes=100_000)
    with server.connect() as client:
        client.send(get("/stream"))
        assert client.answer_line() == b"HTTP/1.1 200 OK\r\n"
        with server.connect() as other:
            assert other.ask(GET).status == 200
        assert len(client.rest()) < PIECES * PIECE_BYTES


def test_client_that_expects_100_and_reads_nothing_is_cut(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wiverno.core.server.connection import Connection

    is_full = threading.Event()
    send_now = Connection._send_now

    def full_before_the_100(self: Connection, data: bytes | memoryview) -> int:
        # As after answers that fill the socket to its last byte, which no client can time.
        if bytes(data[:12]) == b"HTTP/1.1 100" and not is_full.is_set():
            with suppress(BlockingIOError):
                while True:
                    self.sock.send(b"x" * 65536)
            is_full.set()
        return send_now(self, data)

    monkeypatch.setattr(Connection, "_send_now", full_before_the_100)
    server = serve(hello, write_timeout_s=0.3, body_timeout_s=0.3, keep_alive_timeout_s=0.3)
    with server.connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        )
        assert is_full.wait(DEADLINE_S)
        client.send(b"x")
        until_nothing_is_open(server)


def until_nothing_is_open(server: ServerThread) -> None:
    patience = threading.Event()
    for _ in range(1000):
        load = server.server.load
        if load is not None and not load.connections:
            return
        patience.wait(DEADLINE_S / 1000)
    pytest.fail("The connection of a client that reads nothing stays open")


def test_answer_to_a_client_that_has_sent_more_arrives_whole(serve: Serve) -> None:
    held = Held()

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        held(environ, start_response)
        return [b"x" * 4_000_000]

    server = serve(application)
    with server.connect() as client:
        client.send(get("/held", "Connection: close"))
        held.wait_entered()
        client.send(b"\r\n")  # As old clients do behind a body (RFC 9112 section 2.2).
        held.go.set()
        assert len(client.answer().body) == 4_000_000


def test_burst_that_the_threads_can_take_is_not_refused(run_loop: RunLoop) -> None:
    is_asked, may_go_on = threading.Event(), threading.Event()

    def hold_the_loop() -> bool:
        is_asked.set()
        return may_go_on.wait(DEADLINE_S)

    settings = ServerSettings(threads=8, max_queued_requests=1)
    running = run_loop(hello, settings=settings, may_dispatch=hold_the_loop)
    clients = [running.connect() for _ in range(8)]
    clients[0].send(GET)
    assert is_asked.wait(DEADLINE_S)
    for client in clients[1:]:  # All of them in the next turn of the loop.
        client.send(GET)
    may_go_on.set()
    for client in clients:
        assert client.answer().status == 200
        client.close()
