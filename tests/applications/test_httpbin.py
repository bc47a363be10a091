"""httpbin, a real application, answers over the wire as it does under waitress and gunicorn."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from httpbin import app

from tests.applications import servers
from tests.applications.httpbin_routes import DIFFERENCES, ROUTES
from tests.applications.servers import Address
from tests.applications.wire import (
    Answer,
    Fields,
    Request,
    Response,
    answer_of,
    as_waitress_writes,
    parse_response,
)
from tests.core.server.serving import DEADLINE_S, Client

# gunicorn is a process.
pytestmark = pytest.mark.processes

PEERS: dict[str, Callable[[Fields], Fields]] = {"waitress": as_waitress_writes, "gunicorn": tuple}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each server listens."""

    ours: Address
    waitress: Address
    gunicorn: Address


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    folder: Path = tmp_path_factory.mktemp("gunicorn")
    with (
        servers.run_server(app) as ours,
        servers.waitress(app) as waitress,
        servers.gunicorn("httpbin:app", folder) as gunicorn,
    ):
        yield Addresses(ours, waitress, gunicorn)


def ask(address: Address, request: Request) -> Response:
    return parse_response(servers.exchange(address, request.encode()), request.method)


def without_clock_and_chance(answer: Answer) -> Answer:
    """Two things are not the server's: the order of a set, the clock in a gzip head."""
    fields = tuple(
        (name, ", ".join(sorted(value.split(", "))) if name == "Allow" else value)
        for name, value in answer.fields
    )
    body = answer.body
    if ("Content-Encoding", "gzip") in fields:
        body = body[:4] + bytes(4) + body[8:]
    return replace(answer, fields=fields, body=body)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("peer", PEERS)
def test_route_when_asked_answers_as_under_the_peer(
    addresses: Addresses, peer: str, name: str
) -> None:
    request = ROUTES[name]
    [*allowed] = (each for each in DIFFERENCES if each.peer == peer and name in each.routes)

    response = ask(addresses.ours, request)
    theirs = without_clock_and_chance(answer_of(ask(getattr(addresses, peer), request)))

    assert response.surplus == b""
    ours = without_clock_and_chance(answer_of(response, order=PEERS[peer]))
    assert theirs == (allowed[0].expected(ours) if allowed else ours)
    # A difference that is gone leaves the table.
    assert (theirs != ours) == bool(allowed)


def test_routes_in_the_table_are_more_than_forty_and_no_two_alike() -> None:
    assert len({request.encode() for request in ROUTES.values()}) == len(ROUTES) >= 40


def test_routes_on_one_pipelined_connection_answer_as_on_their_own(addresses: Addresses) -> None:
    requests = [replace(request, keep_alive=True) for request in ROUTES.values()]
    received = ask_and_half_close(addresses.ours, b"".join(each.encode() for each in requests))
    for request in requests:
        response = parse_response(received, request.method)
        received = response.surplus
        alone = parse_response(ask_and_half_close(addresses.ours, request.encode()), request.method)
        assert without_clock_and_chance(
            answer_of(replace(response, surplus=b""))
        ) == without_clock_and_chance(answer_of(alone))
        assert response.values("connection") == []
    assert received == b""


def ask_and_half_close(address: Address, data: bytes) -> bytes:
    """Everything that comes back for requests that all let the connection stay."""
    with Client(address) as client:
        sender = threading.Thread(target=send_all, args=(client, data))
        sender.start()
        received = client.rest()
        sender.join(DEADLINE_S)
        return received


def send_all(client: Client, data: bytes) -> None:
    client.send(data)
    client.sock.shutdown(1)


def test_hop_by_hop_field_of_the_application_is_refused_as_by_waitress(
    addresses: Addresses, caplog: pytest.LogCaptureFixture
) -> None:
    request = Request("/status/407")
    # It sets Proxy-Authenticate, which PEP 3333 forbids and gunicorn drops.
    assert ask(addresses.ours, request).status == "500 Internal Server Error"
    assert ask(addresses.waitress, request).status == "500 Internal Server Error"
    assert ask(addresses.gunicorn, request).status == "407 PROXY AUTHENTICATION REQUIRED"
    assert "belongs to the server (PEP 3333)" in caplog.text


@pytest.mark.parametrize("server", ["ours", *PEERS])
def test_expect_continue_gets_100_before_the_body_is_sent(
    addresses: Addresses, server: str
) -> None:
    fields = (("Expect", "100-continue"), ("Content-Type", "text/plain"))
    request = Request("/post", "POST", fields, b"hello").encode()
    with Client(getattr(addresses, server)) as client:
        client.send(request.removesuffix(b"hello"))
        interim = client.answer_line() + client.answer_line()
        client.send(b"hello")
        response = parse_response(interim + client.rest(), "POST")
    assert response.interim == ("100 Continue",)
    assert response.status == "200 OK"
    assert json.loads(response.body)["data"] == "hello"


@pytest.mark.parametrize("name", ["get", "post form", "stream", "drip", "status 204", "redirect"])
@pytest.mark.parametrize("peer", PEERS)
def test_http_1_0_route_when_asked_answers_as_under_the_peer(
    addresses: Addresses, peer: str, name: str
) -> None:
    request = replace(ROUTES[name], version="HTTP/1.0", keep_alive=True)
    response = ask(addresses.ours, request)
    assert response.framing != "chunked"
    ours = answer_of(response, order=PEERS[peer])
    assert answer_of(ask(getattr(addresses, peer), request)) == ours
