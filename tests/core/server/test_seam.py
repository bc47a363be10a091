"""The seam for the development worker: gate, release with exact bytes, adopt."""

import socket
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.core.server.serving import DEADLINE_S, GET, Client, Gate, Held, LoopThread, get, hello
from wiverno.core.server.accept_loop import AcceptLoop

RunLoop = Callable[..., LoopThread]
POST_HEAD = b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


def run_gated(run_loop: RunLoop, application: object = hello) -> tuple[LoopThread, Gate]:
    gate = Gate()
    running = run_loop(application, may_dispatch=gate.may_dispatch, release=gate.release)
    return running, gate


def test_gate_is_asked_once_per_request(run_loop: RunLoop) -> None:
    running, gate = run_gated(run_loop)
    with running.connect() as client:
        for byte in GET:
            client.send(bytes([byte]))
        assert client.answer().status == 200
        client.send(GET * 3)
        for _ in range(3):
            client.answer()
    assert gate.asked == 4


@pytest.mark.parametrize("request_bytes", [GET, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"])
def test_gate_shut_when_head_is_complete_releases_it_whole(
    run_loop: RunLoop, request_bytes: bytes
) -> None:
    running, gate = run_gated(run_loop)
    gate.is_open = False
    with running.connect() as client:
        client.send(request_bytes)
        assert gate.take_bytes() == request_bytes
    assert gate.asked == 1


def test_gate_shut_releases_virgin_idle_and_half_received_connections(run_loop: RunLoop) -> None:
    running, gate = run_gated(run_loop)
    with (
        running.connect() as idle,
        running.connect() as half,
        running.connect() as virgin,
        running.connect() as asking,
    ):
        ports = {c.sock.getsockname()[1]: c for c in (idle, half, virgin, asking)}
        assert idle.ask(GET).status == 200
        assert asking.ask(GET).status == 200
        half.send(GET[:7])
        assert idle.ask(GET).status == 200  # One loop: `half` has been read by now.
        gate.is_open = False
        asking.send(GET + GET)
        released = {}
        for _ in range(4):
            sock, received = gate.take()
            released[sock.getpeername()[1]] = received
            sock.close()
        assert {id(ports[port]): received for port, received in released.items()} == {
            id(idle): b"",
            id(half): GET[:7],
            id(virgin): b"",
            id(asking): GET + GET,
        }
    with pytest.raises(ConnectionRefusedError):
        Client(running.address)


def test_gate_shut_before_pipelined_second_request_releases_its_bytes(run_loop: RunLoop) -> None:
    held = Held()
    running, gate = run_gated(run_loop, held)
    with running.connect() as client:
        client.send(get("/held") + get("/second") + b"GET /thi")
        held.wait_entered()
        gate.is_open = False
        held.go.set()
        answer = client.answer()
        assert (answer.body, "connection" in answer.headers) == (b"/held", False)
        assert gate.take_bytes() == get("/second") + b"GET /thi"


def test_gate_shut_while_another_request_is_in_flight_releases_it_after_its_answer(
    run_loop: RunLoop,
) -> None:
    held = Held()
    running, gate = run_gated(run_loop, held)
    with running.connect() as busy, running.connect() as body, running.connect() as other:
        busy.send(get("/held"))
        held.wait_entered()
        body.send(POST_HEAD)
        assert other.ask(GET).status == 200  # One loop: the head of `body` has passed by now.
        asked = gate.asked
        gate.is_open = False
        other.send(GET)
        assert gate.take_bytes() == GET
        body.send(b"hello")
        held.wait_entered()
        held.go.set()
        assert busy.answer().body == b"/held"
        assert body.answer().body == b"/held"
        assert [gate.take_bytes(), gate.take_bytes()] == [b"", b""]
        assert gate.asked == asked + 1


def test_stop_accepting_with_release_hands_out_idle_connections(run_loop: RunLoop) -> None:
    running, gate = run_gated(run_loop)
    with running.connect() as client:
        assert client.ask(GET).status == 200
        running.loop.stop_accepting()
        assert gate.take_bytes() == b""


def test_adopt_with_complete_request_answers_at_once(run_loop: RunLoop) -> None:
    first, gate = run_gated(run_loop)
    second = run_loop(hello)
    gate.is_open = False
    with first.connect() as client:
        client.send(get("/adopted"))
        second.loop.adopt(*gate.take())
        assert client.answer().body == b"/adopted"
        assert client.ask(get("/again")).body == b"/again"


def test_adopt_with_half_a_head_waits_for_the_rest(run_loop: RunLoop) -> None:
    running = run_loop(hello)
    ours, theirs = socket.socketpair()
    with ours:
        running.loop.adopt(theirs, GET[:9])
        ours.settimeout(DEADLINE_S)
        ours.sendall(GET[9:])
        assert ours.recv(15) == b"HTTP/1.1 200 OK"


def test_adopt_after_leaving_goes_to_release(run_loop: RunLoop) -> None:
    running, gate = run_gated(run_loop)
    running.stop()
    ours, theirs = socket.socketpair()
    with ours:
        running.loop.adopt(theirs, b"GET")
        assert gate.take_bytes() == b"GET"


def test_gate_shut_without_release_closes_connections(run_loop: RunLoop) -> None:
    running = run_loop(hello, may_dispatch=lambda: False)
    with running.connect() as client:
        client.sock.settimeout(DEADLINE_S)
        client.send(GET)
        with suppress(ConnectionResetError):  # So the kernel says it when bytes are unread.
            assert client.rest() == b""


def test_close_of_a_loop_that_never_ran_leaves_nothing() -> None:
    AcceptLoop([], hello).close()
