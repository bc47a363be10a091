"""Requests and responses over real sockets, in one process."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from wsgiref.validate import validator

import pytest

from tests.core.server.serving import (
    DEADLINE_S,
    GET,
    GET_CLOSE,
    Closing,
    Held,
    LoopThread,
    ServerThread,
    get,
    hello,
)
from wiverno.core.server.gateway import ResponseSummary
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]
RunLoop = Callable[..., LoopThread]


def echo(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def test_requests_on_one_connection_are_all_answered(serve: Serve) -> None:
    with serve(hello).connect() as client:
        for path in ("/a", "/b", "/c"):
            answer = client.ask(get(path))
            assert (answer.status, answer.body) == (200, path.encode())
            assert "connection" not in answer.headers


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(b"".join(get(f"/{number}") for number in range(50)))
        for number in range(50):
            assert client.answer().body == f"/{number}".encode()


def test_pipelined_requests_beyond_the_read_ahead_are_all_answered(serve: Serve) -> None:
    server = serve(hello, max_pipelined_bytes=500)
    with server.connect() as client:
        sender = threading.Thread(
            target=client.send, args=(b"".join(get(f"/{number}") for number in range(2000)),)
        )
        sender.start()
        for number in range(2000):
            assert client.answer().body == f"/{number}".encode()
        sender.join(DEADLINE_S)


def test_half_closed_client_with_pipelined_requests_gets_all_answers(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(get("/a") + get("/b"))
        client.sock.shutdown(1)
        assert client.answer().body == b"/a"
        assert client.answer().body == b"/b"
        assert client.rest() == b""


def test_request_in_single_bytes_is_answered(serve: Serve) -> None:
    with serve(hello).connect() as client:
        for byte in GET_CLOSE:
            client.send(bytes([byte]))
        assert client.answer().status == 200


def test_chunked_body_arrives_decoded_with_its_length(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        assert "HTTP_TRANSFER_ENCODING" not in environ
        assert environ["wsgi.input_terminated"] is True
        start_response("200 OK", [])
        return [environ.get("CONTENT_LENGTH", "").encode() + b":" + environ["wsgi.input"].read()]

    with serve(application).connect() as client:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = client.ask(head + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        assert answer.body == b"11:hello world"
        assert client.ask(GET).status == 200


def test_body_larger_than_memory_limit_arrives_whole(serve: Serve) -> None:
    body = bytes(range(256)) * 2000
    with serve(echo, body_memory_bytes=1000).connect() as client:
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        assert client.ask(head + body).body == body


def test_expect_continue_gets_100_before_the_body(serve: Serve) -> None:
    with serve(echo).connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.answer_line() == b"HTTP/1.1 100 Continue\r\n"
        assert client.answer_line() == b"\r\n"
        assert client.ask(b"hello").body == b"hello"


def test_head_request_gets_no_body_and_connection_stays(serve: Serve) -> None:
    with serve(hello).connect() as client:
        answer = client.ask(get("/four", method="HEAD"), is_head=True)
        assert answer.headers["content-length"] == "5"
        assert client.ask(GET).body == b"/"


def test_status_204_with_body_from_application_keeps_framing(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("204 No Content", [])
        return [b"not allowed"]

    with serve(application).connect() as client:
        assert client.ask(GET).status == 204
        assert client.ask(GET).status == 204


def test_connection_close_is_obeyed_and_announced(serve: Serve) -> None:
    with serve(hello).connect() as client:
        assert client.ask(GET_CLOSE).headers["connection"] == "close"
        assert client.rest() == b""


def test_http_1_0_closes_unless_asked_to_stay(serve: Serve) -> None:
    server = serve(hello)
    with server.connect() as client:
        assert client.ask(b"GET / HTTP/1.0\r\n\r\n").headers["connection"] == "close"
        assert client.rest() == b""
    with server.connect() as client:
        stay = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        assert client.ask(stay).headers["connection"] == "keep-alive"
        assert client.ask(stay).status == 200


def test_malformed_request_is_answered_and_follow_up_is_not(serve: Serve) -> None:
    with serve(hello).connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n" + GET)
        assert client.answer().status == 400
        assert client.rest() == b""


def test_body_above_limit_is_answered_though_client_still_sends(serve: Serve) -> None:
    with serve(hello, limits=RequestLimits(max_body_bytes=10)).connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000
        )
        assert client.answer().status == 413


def test_half_head_past_its_deadline_gets_408(serve: Serve) -> None:
    with serve(hello, head_timeout_s=0.2).connect() as client:
        client.send(b"GET / HT")
        assert client.answer().status == 408


def test_idle_connection_past_its_deadline_is_closed_without_a_word(serve: Serve) -> None:
    with serve(hello, keep_alive_timeout_s=0.2).connect() as client:
        assert client.ask(GET).status == 200
        assert client.rest() == b""


def test_slow_reader_blocks_no_other_client(serve: Serve) -> None:
    body = b"x" * 30_000_000

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [body if environ["PATH_INFO"] == "/big" else b"small"]

    server = serve(application, threads=1)
    with server.connect() as slow, server.connect() as other:
        slow.send(get("/big") + get("/small"))
        assert slow.sock.recv(1) == b"H"
        assert other.ask(get("/small")).body == b"small"
        assert slow.file.readline() == b"TTP/1.1 200 OK\r\n"
        while slow.file.readline() != b"\r\n":
            pass
        assert slow.file.read(len(body)) == body
        assert slow.answer().body == b"small"


def test_stream_to_reader_that_pauses_arrives_whole(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        for number in range(300):
            yield bytes([number % 256]) * 50_000

    server = serve(application, output_memory_bytes=100_000)
    with server.connect() as client:
        assert client.ask(GET).body == b"".join(bytes([n % 256]) * 50_000 for n in range(300))
        assert client.ask(GET).status == 200


def test_reader_that_takes_nothing_is_cut_at_the_write_timeout(serve: Serve) -> None:
    produced: list[int] = []

    def much() -> Iterator[bytes]:
        for number in range(50):
            produced.append(number)
            yield b"x" * 1_000_000

    result = Closing(much())

    def application(environ: Environ, start_response: StartResponse) -> Closing:
        start_response("200 OK", [])
        return result

    server = serve(
        application, output_memory_bytes=1000, output_spool_bytes=1000, write_timeout_s=0.2
    )
    with server.connect() as client:
        client.send(GET)
        assert result.closed.wait(DEADLINE_S)
    assert len(produced) < 30  # The thread waited instead of filling the memory.


def test_validator_finds_nothing_wrong(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        environ["wsgi.input"].read(5)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"fine"]

    checked = validator(application)
    with serve(checked).connect() as client:
        post = b"POST /a%20b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        assert client.ask(post).body == b"fine"
        assert client.ask(GET).body == b"fine"


def test_environ_has_what_pep_3333_asks_for(serve: Serve) -> None:
    seen: Queue[Environ] = Queue()

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        seen.put(environ)
        return hello(environ, start_response)

    server = serve(application)
    with server.connect() as client:
        client.ask(get("/caf%C3%A9/%2f?q=%20", "A-B: 1", "a-b: 2", "Cookie: c=1", "Cookie: d=2"))
        environ = seen.get(timeout=DEADLINE_S)
        assert environ["PATH_INFO"] == "/caf\xc3\xa9//"
        assert environ["QUERY_STRING"] == "q=%20"
        assert environ["REQUEST_URI"] == "/caf%C3%A9/%2f?q=%20"
        assert environ["HTTP_A_B"] == "1, 2"
        assert environ["HTTP_COOKIE"] == "c=1; d=2"
        assert environ["REMOTE_ADDR"] == "127.0.0.1"
        assert environ["REMOTE_PORT"] == str(client.sock.getsockname()[1])
        assert environ["SERVER_PORT"] == str(server.address[1])


def test_head_and_first_chunk_go_out_in_one_send(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wiverno.core.server.connection import Connection

    sends: list[bytes] = []
    send_now = Connection._send_now

    def observed(self: Connection, data: bytes | memoryview) -> int:
        sends.append(bytes(data))
        return send_now(self, data)

    monkeypatch.setattr(Connection, "_send_now", observed)
    with serve(hello).connect() as client:
        assert client.ask(get("/path")).body == b"/path"
    assert len(sends) == 1
    assert sends[0].endswith(b"\r\n\r\n/path")


def test_on_response_gets_a_summary_of_each_answer(run_loop: RunLoop) -> None:
    summaries: Queue[ResponseSummary] = Queue()
    running = run_loop(hello, on_response=summaries.put)
    with running.connect() as client:
        client.ask(get("/path?q"))
        summary = summaries.get(timeout=DEADLINE_S)
    assert (summary.method, summary.target, summary.status) == ("GET", "/path?q", 200)
    assert (summary.body_bytes, summary.remote_address) == (5, "127.0.0.1")
    assert 0 <= summary.duration_s < DEADLINE_S


def test_drain_past_the_deadline_cuts_and_names_the_request(
    run_loop: RunLoop, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    running = run_loop(held, settings=ServerSettings(threads=1))
    with running.connect() as client:
        client.send(get("/held"))
        held.wait_entered()
        assert running.loop.in_flight == 1
        running.loop.drain(DEADLINE_S)
        running.loop.drain(0.0)
        assert client.rest() == b""
        held.go.set()
        running.stop()
    assert "GET '/held'" in caplog.text


def test_drain_answers_the_half_received_request_with_close(run_loop: RunLoop) -> None:
    held = Held()
    running = run_loop(held)
    with running.connect() as busy, running.connect() as half, running.connect() as idle:
        assert idle.ask(GET).status == 200
        half.send(GET[:10])
        busy.send(get("/held"))
        held.wait_entered()
        running.loop.drain(DEADLINE_S)
        assert idle.rest() == b""
        half.send(GET[10:])
        assert half.answer().headers["connection"] == "close"
        held.go.set()
        assert busy.answer().headers["connection"] == "close"
        running.thread.join(DEADLINE_S)
        assert not running.thread.is_alive()


def test_import_of_the_server_loads_no_heavy_module() -> None:
    heavy = "{'http.server', 'email', 'wsgiref', 'urllib.parse', 'asyncio', 'tempfile', 'http'}"
    code = f"import sys, wiverno.core.server; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.strip() == "[]"


@pytest.fixture(autouse=True)
def _logs_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "wiverno.core.server")
