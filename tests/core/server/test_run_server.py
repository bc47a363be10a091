"""Starting and stopping: from everywhere, with every signal, with every reason not to bind."""

import errno
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.server.serving import (
    DEADLINE_S,
    GET,
    Client,
    Held,
    ServerThread,
    get,
    hello,
)
from wiverno.core.server import RunServer
from wiverno.core.server.limits import ServerSettingsError
from wiverno.core.server.listener import bind, display_url
from wiverno.core.server.run_server import ServerRunningError
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]


def close_all(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def test_bind_localhost_takes_both_families_on_one_port() -> None:
    listeners = bind("localhost", 0, 5)
    addresses = [listener.getsockname()[:2] for listener in listeners]
    close_all(listeners)
    assert [host for host, _ in addresses] == ["127.0.0.1", "::1"]
    assert len({port for _, port in addresses}) == 1
    assert not any(listener.get_inheritable() for listener in listeners if listener.fileno() >= 0)


def test_bind_gives_the_kernel_the_real_backlog() -> None:
    listeners = bind("127.0.0.1", 0, 77)
    info = listeners[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    close_all(listeners)
    # tcpi_sacked of a listener is its backlog (Linux, tcp_get_info).
    assert struct.unpack_from("I", info, 28)[0] == 77


def test_bind_when_port_is_taken_keeps_the_words_and_adds_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use") as caught:
            bind("127.0.0.1", port, 5)
    assert caught.value.errno == errno.EADDRINUSE
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert f"lsof -i :{port}" in str(caught.value)


def test_bind_localhost_when_second_family_is_taken_closes_the_first() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use"):
            bind("localhost", port, 5)
        close_all(bind("127.0.0.1", port, 5))


def test_bind_when_forbidden_is_a_permission_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied.*port from 1024 up"):
        bind("127.0.0.1", 80, 5)


@pytest.mark.parametrize("port", [70000, -1, "8000", True, None])
def test_bind_with_bad_port_says_which_ports_exist(port: int) -> None:
    with pytest.raises(OSError, match="is not a TCP port") as caught:
        bind("127.0.0.1", port, 5)
    assert str(caught.value) == f"port={port!r} is not a TCP port. Use 0 to 65535."


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "1.2.3.4.5"])
def test_bind_with_unknown_host_names_it(host: str) -> None:
    with pytest.raises(OSError, match="is not known here") as caught:
        bind(host, 0, 5)
    assert host in str(caught.value)


def test_bind_with_address_of_another_machine_names_it() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0, 5)


def test_display_url_with_ipv6_has_brackets() -> None:
    assert display_url("::1", 80) == "http://[::1]:80"
    assert display_url("localhost", 80) == "http://localhost:80"


def test_settings_with_zero_threads_is_refused() -> None:
    with pytest.raises(ServerSettingsError, match="threads=0"):
        ServerSettings(threads=0)


def test_constructor_keeps_documented_parameters_and_binds_nothing() -> None:
    server = RunServer(hello)
    assert (server.host, server.port, server.request_queue_size) == ("localhost", 8000, 5)
    assert server.application is hello
    assert server.addresses == []


def test_start_logs_the_documented_lines(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wiverno.core.server")
    server = serve(hello, host="localhost")
    for address in server.server.addresses:
        with Client(address) as client:
            assert client.ask(GET).status == 200
    assert caplog.messages[:3] == [
        f"Wiverno server started on http://localhost:{server.address[1]}",
        "Request queue size: 128",
        "Press Ctrl+C to stop the server",
    ]


def test_start_twice_at_once_is_an_error(serve: Serve) -> None:
    server = serve(hello)
    with pytest.raises(ServerRunningError):
        server.server.start()


def test_start_when_port_is_taken_raises_and_can_be_repeated() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = RunServer(hello, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="Address already in use"):
            server.start()
    running = ServerThread(server)
    running.stop()


def test_stop_from_another_thread_returns_when_the_port_is_free(serve: Serve) -> None:
    server = serve(hello)
    with server.connect() as client:
        client.ask(GET)
        server.server.stop()
        assert server.server.addresses == []
        with pytest.raises(ConnectionRefusedError):
            Client(server.address)
    server.server.stop()


def test_stop_before_start_makes_it_return_at_once() -> None:
    server = RunServer(hello, "127.0.0.1", 0)
    server.stop()
    server.stop()
    server.start()
    assert server.addresses == []


def test_stop_from_a_view_does_not_wait_for_itself(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        server.server.stop()
        return hello(environ, start_response)

    server = serve(application)
    with server.connect() as client:
        answer = client.ask(get("/bye"))
        assert (answer.body, answer.headers["connection"]) == (b"/bye", "close")
    server.thread.join(DEADLINE_S)
    assert not server.thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_in_main_thread_finishes_the_request_in_flight(number: signal.Signals) -> None:
    held = Held()
    server = RunServer(held, "127.0.0.1", 0)
    answers = []

    def drive() -> None:
        assert server.wait_until_bound(DEADLINE_S)
        with Client(server.addresses[0]) as client:
            client.send(get("/held"))
            held.wait_entered()
            os.kill(os.getpid(), number)
            client_refused(server)
            held.go.set()
            answers.append(client.answer())

    driver = threading.Thread(target=drive)
    driver.start()
    server.start()
    driver.join(DEADLINE_S)
    assert [(answer.body, answer.headers["connection"]) for answer in answers] == [
        (b"/held", "close")
    ]


def client_refused(server: RunServer) -> None:
    """Wait, with a deadline, until new connections are refused."""
    address = server.addresses[0]
    patience = threading.Event()
    for _ in range(1000):
        try:
            Client(address).close()
        except OSError:
            return
        patience.wait(DEADLINE_S / 1000)
    pytest.fail("The listener was not closed")


def test_second_signal_cuts_what_is_in_flight() -> None:
    held = Held()
    server = RunServer(held, "127.0.0.1", 0, settings=ServerSettings(threads=1))
    received = []

    def drive() -> None:
        assert server.wait_until_bound(DEADLINE_S)
        with Client(server.addresses[0]) as client:
            client.send(get("/held"))
            held.wait_entered()
            os.kill(os.getpid(), signal.SIGTERM)
            client_refused(server)
            os.kill(os.getpid(), signal.SIGTERM)
            received.append(client.rest())
            held.go.set()

    driver = threading.Thread(target=drive)
    driver.start()
    server.start()
    driver.join(DEADLINE_S)
    assert received == [b""]


def test_stop_in_a_signal_handler_of_the_application_only_asks() -> None:
    server = RunServer(hello, "127.0.0.1", 0)

    def drive() -> None:
        assert server.wait_until_bound(DEADLINE_S)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, lambda number, frame: server.stop())
    driver = threading.Thread(target=drive)
    driver.start()
    try:
        server.start()
    finally:
        signal.signal(signal.SIGUSR1, previous)
        driver.join(DEADLINE_S)


PROGRAM = """
import os, sys
from wiverno.core.server import RunServer

entered, go = int(sys.argv[1]), int(sys.argv[2])

def application(environ, start_response):
    os.write(entered, b"x")
    os.read(go, 1)
    start_response("200 OK", [])
    return [b"whole"]

class Announcing(RunServer):
    def _log_start(self):
        print(self.addresses[0][1], flush=True)

Announcing(application, "127.0.0.1", 0).start()
"""


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_process_with_slow_request_gives_whole_answer_and_exit_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    entered, entered_end = os.pipe()
    go_end, go = os.pipe()
    with subprocess.Popen(
        [sys.executable, str(program), str(entered_end), str(go_end)],
        pass_fds=(entered_end, go_end),
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with Client(("127.0.0.1", port)) as client:
                client.send(GET)
                assert os.read(entered, 1) == b"x"
                process.send_signal(number)
                os.write(go, b"x")
                assert client.answer().body == b"whole"
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()
            for each in (entered, entered_end, go, go_end):
                os.close(each)


def test_application_when_it_is_asgi_is_served_with_a_warning_that_says_what_to_do(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nobody awaits it")

    serve(application)

    assert "looks like ASGI, and is called as WSGI" in caplog.text
    assert "hands such an application to uvicorn" in caplog.text


def test_application_when_it_is_wsgi_is_served_without_a_warning(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    serve(hello)

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
