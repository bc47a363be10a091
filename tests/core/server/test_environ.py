"""What requests become under a root path, and where fields of proxies are looked for."""

from collections.abc import Callable

import pytest

from tests.core.server.serving import ServerThread, get
from wiverno.core.server.environ import (
    RequestBody,
    base_environ,
    connection_environ,
    request_environ,
)
from wiverno.core.server.forwarded import TrustedProxies
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import parse_head
from wiverno.core.wsgi_types import Environ, StartResponse


def environ_of(request: bytes, *, root_path: str = "", peer: str = "127.0.0.1") -> Environ:
    head = parse_head(request.removesuffix(b"\r\n\r\n"), RequestLimits())
    connection = connection_environ(base_environ("localhost", 80, root_path), (peer, 5000))
    return request_environ(connection, head, RequestBody(1024), TrustedProxies("127.0.0.1"))


@pytest.mark.parametrize(
    ("root_path", "path", "path_info"),
    [
        ("", "/shop/cart", "/shop/cart"),
        ("/shop", "/cart", "/cart"),
        ("/shop", "/shop/cart", "/cart"),
        ("/shop", "/shop/", "/"),
        ("/shop", "/shop", ""),
        ("/shop", "/shopping", "/shopping"),
        ("/shop", "/", "/"),
        ("/a/b", "/a/b/c", "/c"),
        ("/a/b", "/a/c", "/a/c"),
        ("/sh op", "/sh%20op/x", "/x"),
        ("/käse", "/k%C3%A4se/x", "/x"),
    ],
)
def test_environ_under_a_root_path_has_the_rest_as_path_info(
    root_path: str, path: str, path_info: str
) -> None:
    environ = environ_of(get(path), root_path=root_path)
    assert environ["SCRIPT_NAME"] == root_path.encode().decode("latin-1")
    assert environ["PATH_INFO"] == path_info
    assert environ["REQUEST_URI"] == path


def test_environ_of_a_proxy_has_the_client() -> None:
    environ = environ_of(get("/", "X-Forwarded-For: 6.6.6.6", "X-FORWARDED-FOR: 9.9.9.9"))
    assert environ["REMOTE_ADDR"] == "9.9.9.9"
    assert environ["HTTP_X_FORWARDED_FOR"] == "9.9.9.9"


def test_environ_with_forwarded_in_two_fields_joins_them() -> None:
    environ = environ_of(get("/", "Forwarded: for=6.6.6.6", "forwarded: for=9.9.9.9;proto=https"))
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("9.9.9.9", "https")


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
def test_environ_of_a_stranger_lacks_what_it_claims_each_time(name: str) -> None:
    for _ in range(2):  # Names are learnt, these must not be.
        environ = environ_of(get("/", f"{name}: 127.0.0.1"), peer="9.9.9.9")
        assert environ["REMOTE_ADDR"] == "9.9.9.9"
        assert f"HTTP_{name.upper().replace('-', '_')}" not in environ


def test_server_with_root_path_and_proxies_hands_both_to_the_application(
    serve: Callable[..., ServerThread],
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "SERVER_NAME")
        return [" ".join(environ[name] for name in names).encode()]

    server = serve(
        application, root_path="/shop", forwarded_allow_ips="10.0.0.1", server_name="shop.test"
    )
    with server.connect() as client:
        answer = client.ask(get("/shop/x", "X-Forwarded-For: 9.9.9.9"))
    assert answer.body == b"/shop /x 127.0.0.1 shop.test"
