"""Whom to believe about the client when a proxy stands in between. Pure.

`X-Forwarded-For` and `-Proto`, and `Forwarded` (RFC 7239), are what any client may claim. They
count from trusted peers only, and of their entries only those that trusted proxies have written.
Nothing in a field is an error: what cannot be read is not believed.
"""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

from wiverno.core.exceptions import WivernoError
from wiverno.core.wsgi_types import Environ

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# One pair of RFC 7239 section 4 with what follows it. Elements and pairs may be empty. The
# patterns are compiled when they are first used: most servers never see these fields. Nothing is
# given back once taken (`*+`): 60,000 spaces would be gone over 60,000 times.
_PAIR = rf'[ \t]*+(?:({_TOKEN}+)=(?:({_TOKEN}+)|"((?:[^"\\]|\\.)*+)")[ \t]*+)?([,;]|\Z)'
_NODE = r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?"
# RFC 4291 section 2.5.5.2: how a socket for both families shows an IPv4 peer.
_MAPPED_IPV4 = b"\0" * 10 + b"\xff\xff"
_SCHEMES = ("http", "https")


class ProxyAddressError(WivernoError, ValueError):
    """An entry in the list of trusted proxies is neither an address nor a network."""


class TrustedProxies:
    """The addresses and networks that are believed; '*' is everybody, '' nobody."""

    __slots__ = ("_addresses", "_is_everybody", "_networks", "_texts", "is_nobody")

    def __init__(self, text: str) -> None:
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        self._is_everybody = "*" in entries
        self.is_nobody = not entries
        # As they are written, which is how most peers show up.
        self._texts = frozenset(entry for entry in entries if "/" not in entry)
        self._addresses: set[bytes] = set()
        # Network number, bits behind it, length of an address.
        self._networks: list[tuple[int, int, int]] = []
        for entry in entries:
            if "/" in entry:
                self._networks.append(_network(entry))
            elif entry != "*":
                self._addresses.add(_address(entry, entry))

    def trusts(self, address: str) -> bool:
        """Is this a proxy of ours? The peer of a UNIX socket, '', is, unless nobody is."""
        if self._is_everybody or address in self._texts:
            return True
        if not address:
            return not self.is_nobody
        packed = _packed(address)
        return packed is not None and (
            packed in self._addresses
            or any(
                len(packed) == length and int.from_bytes(packed, "big") >> shift == number
                for number, shift, length in self._networks
            )
        )


class _Told(NamedTuple):
    """What the fields of one kind say of the client. Behind a proxy each request makes one."""

    # None: nothing; "": that they do not know, or that cannot be read.
    address: str | None = None
    port: str = ""
    scheme: str | None = None
    host: str | None = None
    # What is left of the field when all that nobody vouches for is cut off its front.
    vouched: str = ""


_NOTHING = _Told()
_UNREADABLE = _Told(address="")


def is_proxy_key(key: str) -> bool:
    """Is this environ key made of a field that only a proxy has a reason to send?"""
    return key.startswith("HTTP_X_FORWARDED") or key in ("HTTP_FORWARDED", "HTTP_X_REAL_IP")


def apply_forwarded(environ: Environ, proxies: TrustedProxies) -> None:
    """Put the client where the environ has its proxy, as far as trusted proxies say.

    What is not believed is removed, so that no application believes it either.
    """
    if not proxies.trusts(environ["REMOTE_ADDR"]):
        _remove_fields(environ)
        return
    told = _told(environ, proxies)
    if told.address == "":
        _remove_fields(environ)
    if told.address is not None:
        # Also if it is not known: the proxy's own address would pass for a client on its machine.
        environ["REMOTE_ADDR"] = told.address
        environ.pop("REMOTE_PORT", None)
        if told.port:
            environ["REMOTE_PORT"] = told.port
    _set_url(environ, told)


def _told(environ: Environ, proxies: TrustedProxies) -> _Told:
    """One kind of field is written by the proxy; the other may have come through it.

    Nothing tells which is which, so where both are there they must agree.
    """
    has_usual = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_X_FORWARDED_PROTO" in environ
    usual = _by_x_forwarded(environ, proxies) if has_usual else _NOTHING
    if usual.vouched:
        environ["HTTP_X_FORWARDED_FOR"] = usual.vouched
    if "HTTP_FORWARDED" not in environ:
        return usual
    standard = _by_forwarded(environ["HTTP_FORWARDED"], proxies)
    if standard.vouched:
        environ["HTTP_FORWARDED"] = standard.vouched
    if not has_usual:
        return standard
    schemes = {usual.scheme, standard.scheme} - {None}
    if usual.address != standard.address or len(schemes) > 1:
        return _UNREADABLE
    # No host: if `Forwarded` is the one that came through, the client has chosen it.
    return _Told(usual.address, usual.port, next(iter(schemes), None))


def _set_url(environ: Environ, told: _Told) -> None:
    """Scheme and authority, by which an application builds URLs (PEP 3333)."""
    if told.scheme is None and told.host is None:
        return
    if told.scheme is not None:
        environ["wsgi.url_scheme"] = told.scheme
    if told.host is not None:
        environ["HTTP_HOST"] = told.host
    # Valid, whoever has sent it, and with brackets around IPv6.
    name, colon, port = environ.get("HTTP_HOST", "").rpartition(":")
    if not colon or port.endswith("]"):
        name, port = f"{name}{colon}{port}", ""
    if told.host is not None:
        environ["SERVER_NAME"] = name
    environ["SERVER_PORT"] = port or ("443" if environ["wsgi.url_scheme"] == "https" else "80")


def _remove_fields(environ: Environ) -> None:
    for key in [each for each in environ if is_proxy_key(each)]:
        del environ[key]


# --- X-Forwarded-For and -Proto ----------------------------------------------------------


def _by_x_forwarded(environ: Environ, proxies: TrustedProxies) -> _Told:
    # Several fields were joined by ", ". The last one is what the nearest proxy has said.
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip(" \t").lower()
    known_scheme = scheme if scheme in _SCHEMES else None
    text = environ.get("HTTP_X_FORWARDED_FOR", "")
    entries = [entry for part in text.split(",") if (entry := part.strip(" \t"))]
    if not entries:
        return _Told(None, "", known_scheme)
    index = len(entries) - 1
    address, port = _usual_node(entries[index])
    while index and address and proxies.trusts(address):
        index -= 1
        address, port = _usual_node(entries[index])
    vouched = ", ".join(entries[index:]) if index else text
    return _Told(address, port, known_scheme, None, vouched)


def _usual_node(text: str) -> tuple[str, str]:
    """Address and port; no rule asks for brackets around IPv6 here."""
    packed = _packed(text)
    return (_unpacked(packed), "") if packed is not None else _node(text)


# --- Forwarded, RFC 7239 -----------------------------------------------------------------


def _by_forwarded(text: str, proxies: TrustedProxies) -> _Told:
    elements = _elements(text)
    if elements is None:
        return _UNREADABLE
    told = _Told()
    for index in reversed(range(len(elements))):
        told = _of_element(elements[index][1])
        if not told.address or not proxies.trusts(told.address):
            return told._replace(vouched=text[elements[index][0] :].strip(" \t"))
    return told


def _of_element(pairs: dict[str, str]) -> _Told:
    address, port = _node(pairs["for"]) if "for" in pairs else (None, "")
    scheme = pairs.get("proto", "").lower()
    host = pairs.get("host", "")
    return _Told(
        address,
        port,
        scheme if scheme in _SCHEMES else None,
        host if re.fullmatch(_HOST, host) else None,
    )


def _elements(text: str) -> list[tuple[int, dict[str, str]]] | None:
    """Where each element begins, and its pairs; None where anything is malformed."""
    elements: list[tuple[int, dict[str, str]]] = []
    pairs: dict[str, str] = {}
    start = position = 0
    pattern = re.compile(_PAIR)
    while (found := pattern.match(text, position)) is not None:
        name, token, quoted, end = found.groups()
        if name is not None:
            name = name.lower()
            if name in pairs:
                return None  # Section 4: once per element.
            pairs[name] = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
        position = found.end()
        if end != ";":
            if pairs:
                elements.append((start, pairs))
            if not end:
                return elements
            pairs, start = {}, position
    return None


# --- Addresses ---------------------------------------------------------------------------


def _node(text: str) -> tuple[str, str]:
    """Address and port of RFC 7239 section 6; both "" for 'unknown', '_hidden' and nonsense."""
    found = re.fullmatch(_NODE, text)
    packed = _packed(found[1] or found[2]) if found is not None else None
    if found is None or packed is None:
        return "", ""
    port = found[3] or ""
    return _unpacked(packed), "" if port.startswith("_") else port


def _packed(text: str) -> bytes | None:
    """An address as bytes, one form for each; None: it is none."""
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        # The kernel adds the interface to link-local peers: fe80::1%eth0.
        packed = inet_pton(AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(_MAPPED_IPV4) else packed


def _unpacked(packed: bytes) -> str:
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def _address(text: str, entry: str) -> bytes:
    packed = _packed(text)
    if packed is None:
        raise ProxyAddressError(
            f"has {entry!r}, which is neither an address nor a network. "
            "Write 10.0.0.1, 10.0.0.0/8 or fd00::/8, or '*' for everybody; names are not looked up."
        )
    return packed


def _network(entry: str) -> tuple[int, int, int]:
    text, _, length_text = entry.partition("/")
    packed = _address(text, entry)
    bits = len(packed) * 8
    if not (length_text.isascii() and length_text.isdigit() and int(length_text) <= bits):
        raise ProxyAddressError(f"has {entry!r}, whose length is no number from 0 to {bits}.")
    shift = bits - int(length_text)
    number = int.from_bytes(packed, "big")
    if number >> shift << shift != number:
        network = _unpacked((number >> shift << shift).to_bytes(len(packed), "big"))
        raise ProxyAddressError(
            f"has {entry!r}, where an address is written for its network. "
            f"Write {network}/{length_text}, or the address alone."
        )
    return number >> shift, shift, len(packed)
