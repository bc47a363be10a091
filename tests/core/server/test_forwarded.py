"""Whom the server believes about the client: tables of fields and what they make of an environ."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.core.server.forwarded import ProxyAddressError, TrustedProxies, apply_forwarded
from wiverno.core.wsgi_types import Environ

PROXY = "10.0.0.1"
TRUSTED = "10.0.0.0/8,192.0.2.43,2001:db8:cafe::17,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Case:
    """Fields as a peer sends them, and the client that results; a new case is one line."""

    name: str
    client: str
    scheme: str = "http"
    host: str = "shop.test:8000"
    port: str | None = None
    peer: str = PROXY
    trusted: str = TRUSTED
    xff: str | None = None
    proto: str | None = None
    forwarded: str | None = None

    def environ(self) -> Environ:
        environ: Environ = {
            "REMOTE_ADDR": self.peer,
            "REMOTE_PORT": "50000",
            "SERVER_NAME": "10.0.0.9",
            "SERVER_PORT": "8000",
            "HTTP_HOST": "shop.test:8000",
            "wsgi.url_scheme": "http",
        }
        for key, value in (
            ("HTTP_X_FORWARDED_FOR", self.xff),
            ("HTTP_X_FORWARDED_PROTO", self.proto),
            ("HTTP_FORWARDED", self.forwarded),
        ):
            if value is not None:
                environ[key] = value
        return environ


CASES = [
    # --- The examples of RFC 7239, sections 4, 6.3, 7.1 and 7.4 ---
    Case("rfc obfuscated", "", forwarded='for="_gazonk"'),
    Case(
        "rfc ipv6 with port",
        "2001:db8:cafe::18",
        port="4711",
        forwarded='For="[2001:db8:cafe::18]:4711"',
    ),
    Case(
        "rfc three pairs",
        "192.0.2.60",
        forwarded="for=192.0.2.60;proto=http;by=203.0.113.43",
    ),
    Case("rfc list", "198.51.100.17", forwarded="for=192.0.2.43, for=198.51.100.17"),
    Case(
        "rfc 7.1 list",
        "192.0.2.43",
        forwarded='for=192.0.2.43, for="[2001:db8:cafe::17]"',
        trusted="10.0.0.0/8,2001:db8:cafe::17",
    ),
    Case("rfc unknown", "", forwarded="for=192.0.2.43, for=unknown"),
    Case("rfc hidden", "", forwarded="for=_hidden, for=_SEVKISEK"),
    Case(
        "rfc 6.1 host of a proxy",
        "192.0.2.61",
        scheme="https",
        host="shop.example",
        forwarded='for=192.0.2.61;proto=https;host="shop.example"',
    ),
    # --- Forwarded, read by its grammar ---
    Case("quoted pair", "9.9.9.9", forwarded=r'for="9.9.9\.9"'),
    Case("comma in quotes", "9.9.9.9", forwarded='for=9.9.9.9;by="_a,for=6.6.6.6"'),
    Case("semicolon in quotes", "9.9.9.9", forwarded='by="_a;for=6.6.6.6";for=9.9.9.9'),
    Case("empty elements", "9.9.9.9", forwarded=", ,for=9.9.9.9,;,"),
    Case("obfuscated port", "9.9.9.9", forwarded='for="9.9.9.9:_p"'),
    Case("other pairs", "9.9.9.9", forwarded="secret=abc;for=9.9.9.9"),
    Case("no for", PROXY, scheme="https", port="50000", forwarded="proto=https"),
    Case("nothing", PROXY, port="50000", forwarded=""),
    Case("unknown scheme", "9.9.9.9", forwarded="for=9.9.9.9;proto=gopher"),
    Case("bad host", "9.9.9.9", forwarded='for=9.9.9.9;host="a/b"'),
    # --- Malformed Forwarded: nothing of it is believed ---
    Case("open quote", "", forwarded='for="9.9.9.9'),
    Case("open quote of the client", "", forwarded='x="y, for=9.9.9.9;proto=https'),
    Case("for twice", "", forwarded="for=9.9.9.9;for=6.6.6.6"),
    Case("no value", "", forwarded="for="),
    Case("space around equals", "", forwarded="for = 9.9.9.9"),
    Case("port without quotes", "", forwarded="for=9.9.9.9:80"),
    Case("ipv6 without quotes", "", forwarded="for=[2001:db8::1]"),
    Case("ipv6 without brackets", "", forwarded='for="2001:db8::1"'),
    Case("malformed on the left", "", forwarded="&&&, for=9.9.9.9"),
    Case("no address", "", forwarded="for=9.9.9.999"),
    # --- X-Forwarded-For, right to left ---
    Case("one", "9.9.9.9", xff="9.9.9.9"),
    Case("claimed on the left", "9.9.9.9", xff="6.6.6.6, 9.9.9.9"),
    Case("claims to be local", "9.9.9.9", xff="127.0.0.1, 9.9.9.9"),
    Case("two proxies", "9.9.9.9", xff="6.6.6.6, 9.9.9.9, 10.1.2.3"),
    Case("trusted once, claimed before", "9.9.9.9", xff="10.1.2.3, 9.9.9.9, 10.1.2.3"),
    Case("all are proxies", "10.1.2.3", xff="10.1.2.3, 10.1.2.4"),
    Case("with port", "9.9.9.9", port="81", xff="9.9.9.9:81"),
    Case("ipv6", "2001:db8::9", xff="2001:DB8:0::9"),
    Case("ipv6 with port", "2001:db8::9", port="81", xff="[2001:db8::9]:81"),
    Case("mapped ipv4 of a proxy", "9.9.9.9", xff="9.9.9.9, ::ffff:10.1.2.3"),
    Case("mapped ipv4", "9.9.9.9", xff="::ffff:9.9.9.9"),
    Case("empty entries", "9.9.9.9", xff=" ,9.9.9.9,, "),
    Case("only commas", PROXY, port="50000", xff=","),
    Case("unknown", "", xff="9.9.9.9, unknown"),
    Case("nonsense", "", xff="<script>"),
    Case("nonsense on the left", "9.9.9.9", xff="<script>, 9.9.9.9"),
    Case("leading zero", "", xff="010.0.0.1"),
    Case("number", "", xff="167772161"),
    Case("everybody", "6.6.6.6", xff="6.6.6.6, 9.9.9.9", trusted="*"),
    # --- X-Forwarded-Proto ---
    Case("https", "9.9.9.9", scheme="https", xff="9.9.9.9", proto="https"),
    Case("capitals", PROXY, scheme="https", port="50000", proto="HTTPS"),
    Case("the last counts", PROXY, port="50000", proto="https, http"),
    Case("no scheme", PROXY, port="50000", proto="https;x"),
    # --- Peers ---
    Case("stranger", "9.9.9.9", port="50000", peer="9.9.9.9", xff="127.0.0.1", proto="https"),
    Case("stranger, standard", "9.9.9.9", port="50000", peer="9.9.9.9", forwarded="for=127.0.0.1"),
    Case("nobody", PROXY, port="50000", trusted="", xff="6.6.6.6"),
    Case("nobody, local", "127.0.0.1", port="50000", peer="127.0.0.1", trusted="", xff="6.6.6.6"),
    Case("unix socket", "9.9.9.9", peer="", xff="9.9.9.9"),
    Case("unix socket, nobody", "", port="50000", peer="", trusted=" ", xff="6.6.6.6"),
    Case("mapped ipv4 peer", "9.9.9.9", peer="::ffff:10.0.0.1", xff="9.9.9.9"),
    Case("ipv6 network", "9.9.9.9", peer="fe80::7%eth0", trusted="fe80::/10", xff="9.9.9.9"),
    Case("beyond the network", "11.0.0.1", port="50000", peer="11.0.0.1", xff="9.9.9.9"),
    # --- Both kinds: the proxy has written one, the client may have sent the other ---
    Case("both agree", "9.9.9.9", xff="9.9.9.9", forwarded="for=9.9.9.9"),
    Case(
        "both agree, one tells the scheme",
        "9.9.9.9",
        scheme="https",
        xff="9.9.9.9",
        forwarded="for=9.9.9.9;proto=https",
    ),
    Case(
        "both, host is not believed",
        "9.9.9.9",
        xff="9.9.9.9",
        forwarded="for=9.9.9.9;host=evil.test",
    ),
    Case("both differ", "", xff="9.9.9.9", forwarded="for=127.0.0.1"),
    Case("schemes differ", "", xff="9.9.9.9", proto="http", forwarded="for=9.9.9.9;proto=https"),
    Case("one is silent", "", proto="https", forwarded="for=6.6.6.6"),
    Case("one is malformed", "", xff="9.9.9.9", forwarded="for="),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_apply_forwarded_when_a_peer_claims_a_client_follows_the_table(case: Case) -> None:
    environ = case.environ()

    apply_forwarded(environ, TrustedProxies(case.trusted))

    assert environ["REMOTE_ADDR"] == case.client
    assert environ.get("REMOTE_PORT") == case.port
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == (case.scheme, case.host)


@pytest.mark.parametrize("peer", ["9.9.9.9", "::2", ""])
def test_apply_forwarded_when_the_peer_is_a_stranger_removes_every_claim(peer: str) -> None:
    environ = Case(
        "", "", peer=peer, xff="1.1.1.1", proto="https", forwarded="for=1.1.1.1"
    ).environ()
    for name in ("FORWARDED_HOST", "FORWARDED_PORT", "FORWARDED_PREFIX", "FORWARDED", "REAL_IP"):
        environ[f"HTTP_X_{name}"] = "claimed"

    apply_forwarded(environ, TrustedProxies("127.0.0.1" if peer else ""))

    assert not [key for key in environ if "FORWARDED" in key or "REAL_IP" in key]


def test_apply_forwarded_leaves_of_the_field_what_is_vouched_for() -> None:
    environ = Case("", "", xff="127.0.0.1, 9.9.9.9 ,10.1.1.1").environ()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert environ["HTTP_X_FORWARDED_FOR"] == "9.9.9.9, 10.1.1.1"

    environ = Case("", "", forwarded='for=127.0.0.1, for="9.9.9.9";by=_x, for=10.1.1.1').environ()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert environ["HTTP_FORWARDED"] == 'for="9.9.9.9";by=_x, for=10.1.1.1'


@pytest.mark.parametrize("forwarded", ["for=9.9.9.9", "for=unknown", "for="])
def test_apply_forwarded_when_the_client_is_unknown_leaves_no_claim(forwarded: str) -> None:
    environ = Case("", "", xff="127.0.0.1", forwarded=forwarded).environ()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert not [key for key in environ if "FORWARDED" in key]


@pytest.mark.parametrize(
    ("host", "proto", "port"),
    [
        ("shop.test", "https", "443"),
        ("shop.test", "http", "80"),
        ("shop.test:8443", "https", "8443"),
        ("[::1]:8443", "https", "8443"),
        (None, "https", "443"),
    ],
)
def test_apply_forwarded_when_the_scheme_is_told_sets_the_port_that_fits(
    host: str | None, proto: str, port: str
) -> None:
    environ = Case("", "", proto=proto).environ()
    del environ["HTTP_HOST"]
    if host is not None:
        environ["HTTP_HOST"] = host
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("10.0.0.9", port)


def test_apply_forwarded_when_the_host_is_told_sets_server_name() -> None:
    environ = Case("", "", forwarded='for=9.9.9.9;proto=https;host="shop.example:8443"').environ()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert environ["HTTP_HOST"] == "shop.example:8443"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("shop.example", "8443")


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("proxy.internal", "neither an address nor a network"),
        ("10.0.0.1/8", r"Write 10\.0\.0\.0/8"),
        ("10.0.0.0/33", "no number from 0 to 32"),
        ("10.0.0.0/", "no number from 0 to 32"),
        ("::/x", "no number from 0 to 128"),
        ("10.0.0.256", "neither an address nor a network"),
        ("*/8", "neither an address nor a network"),
    ],
)
def test_trusted_proxies_when_an_entry_is_neither_names_it(entry: str, remedy: str) -> None:
    with pytest.raises(ProxyAddressError, match=remedy) as caught:
        TrustedProxies(f"127.0.0.1, {entry}")
    assert repr(entry) in str(caught.value)


_TEXT = st.text(st.characters(max_codepoint=255), max_size=60) | st.text(
    alphabet='for=proto;,"\\[]:._ 0123456789abcdef', max_size=60
)


@given(forwarded=st.none() | _TEXT, xff=st.none() | _TEXT, proto=st.none() | _TEXT)
def test_apply_forwarded_whatever_is_claimed_gives_an_address_or_none(
    forwarded: str | None, xff: str | None, proto: str | None
) -> None:
    environ = Case("", "", xff=xff, proto=proto, forwarded=forwarded).environ()
    apply_forwarded(environ, TrustedProxies("*"))
    address = environ["REMOTE_ADDR"]
    assert address == "" or TrustedProxies(address).trusts(address)
    assert environ["wsgi.url_scheme"] in ("http", "https")


@given(claimed=_TEXT)
def test_apply_forwarded_whatever_the_client_claims_takes_what_the_proxy_has_added(
    claimed: str,
) -> None:
    environ = Case("", "", xff=f"{claimed}, 9.9.9.9").environ()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    assert environ["REMOTE_ADDR"] == "9.9.9.9"


@pytest.mark.parametrize(
    "claimed",
    [
        "," + " " * 60_000 + "(",
        "for=a" + " " * 60_000 + "(",
        "for=" + "a" * 60_000 + "(",
        'for="' + "\\a" * 30_000,
        "for=::1," * 8_000,
        'for="[::1]",' * 5_000,
    ],
    ids=["spaces", "spaces behind a name", "token", "quoted pairs", "malformed", "all trusted"],
)
def test_apply_forwarded_with_a_field_as_long_as_a_head_takes_linear_time(claimed: str) -> None:
    environ = Case("", "", forwarded=f"for=9.9.9.9,{claimed}for=10.1.1.1").environ()
    begin = time.process_time()
    apply_forwarded(environ, TrustedProxies(TRUSTED))
    # Milliseconds; a pattern that goes back over the spaces takes half a minute.
    assert time.process_time() - begin < 1.0
