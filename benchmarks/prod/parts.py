"""What single parts of RunServer cost per request, in this process and without sockets."""

import socket
import time
from collections.abc import Callable, Mapping

from benchmarks.prod.scenarios import Scenario
from benchmarks.prod.served.application import application
from wiverno.core.server.connection import Connection
from wiverno.core.server.environ import RequestBody, base_environ, request_environ
from wiverno.core.server.forwarded import TrustedProxies
from wiverno.core.server.gateway import Gateway
from wiverno.core.server.http_date import http_date
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.request_reader import END_OF_REQUEST, BodyData, RequestReader
from wiverno.core.server.response_writer import ResponseWriter
from wiverno.core.server.settings import ServerSettings

REPEATS = 5
"""The least counts: the others are what the machine did meanwhile."""

MEASURED_S = 0.2


class SilentSocket(socket.socket):
    """Takes everything and sends nothing."""

    def send(self, data: object, flags: int = 0, /) -> int:
        return len(data)  # type: ignore[arg-type]  # As socket has it: whatever has a buffer.


def parts_us(scenario: Scenario) -> Mapping[str, float]:
    """Part → microseconds for one request."""
    settings = ServerSettings()
    raw = request_bytes(scenario)
    reader = RequestReader(settings.limits)
    head, body = read(reader, raw, settings)
    proxies = TrustedProxies(settings.forwarded_allow_ips)
    gateway = Gateway(application, base_environ("127.0.0.1", 8000), None, proxies)
    with SilentSocket() as sock:
        connection = Connection(
            sock, ("127.0.0.1", 50000), settings, gateway.server_environ, lambda connection: None
        )

        def answer() -> None:
            connection.head = head
            if scenario.body_bytes:
                connection.body = RequestBody(settings.body_memory_bytes)
                connection.body.write(b"x" * scenario.body_bytes)
            gateway.answer(connection)

        return {
            "reader": least_us(lambda: read(reader, raw, settings)),
            "environ": least_us(lambda: request_environ(connection.environ, head, body, proxies)),
            "writer": least_us(lambda: write(scenario)),
            "gateway (application, environ and writer in it)": least_us(answer),
        }


def request_bytes(scenario: Scenario) -> bytes:
    """As wrk sends it."""
    method = "POST" if scenario.body_bytes else "GET"
    headers = {"Host": "127.0.0.1:8000", **scenario.headers}
    if scenario.body_bytes:
        headers["Content-Length"] = str(scenario.body_bytes)
    lines = [f"{method} {scenario.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + b"x" * scenario.body_bytes


def read(
    reader: RequestReader, raw: bytes, settings: ServerSettings
) -> tuple[RequestHead, RequestBody]:
    """All events of one request."""
    reader.feed(raw)
    head = reader.next_event()
    if not isinstance(head, RequestHead):
        raise TypeError(f"{head!r} is not the head of {raw!r}.")
    body = RequestBody(settings.body_memory_bytes)
    while isinstance(event := reader.next_event(), BodyData):
        body.write(event.data)
    if event is not END_OF_REQUEST:
        raise TypeError(f"{event!r} is not the end of {raw!r}.")
    return head, body


def write(scenario: Scenario) -> bytes:
    """A whole response."""
    writer = ResponseWriter(
        is_http_1_1=True,
        is_head_request=False,
        keep_alive="Connection" not in scenario.headers,
    )
    body = scenario.answer
    writer.start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return writer.open(body, http_date(), len(body)) + writer.finish()


def least_us(action: Callable[[], object]) -> float:
    """Microseconds for one call: the least of some averages."""
    calls = calibrate(action)
    return min(measure_us(action, calls) for _ in range(REPEATS))


def calibrate(action: Callable[[], object]) -> int:
    """How many calls fill the time of one measurement."""
    calls = 1
    while (taken_us := measure_us(action, calls)) * calls < MEASURED_S * 1e6 / 10:
        calls *= 2
    return max(1, round(MEASURED_S * 1e6 / taken_us))


def measure_us(action: Callable[[], object], calls: int) -> float:
    begun = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - begun) / calls * 1e6
