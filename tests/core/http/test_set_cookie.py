"""Set-Cookie: what browsers keep as it is meant, and a clear refusal of the rest."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.exceptions import InvalidHeaderError
from wiverno.core.http.cookies import parse_cookies
from wiverno.core.http.set_cookie import SetCookie

MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "header"),
    [
        ({}, "a=b; Path=/; HttpOnly; SameSite=Lax"),
        ({"value": ""}, "a=; Path=/; HttpOnly; SameSite=Lax"),
        ({"httponly": False, "samesite": None}, "a=b; Path=/"),
        ({"samesite": "Strict"}, "a=b; Path=/; HttpOnly; SameSite=Strict"),
        ({"samesite": "lax"}, "a=b; Path=/; HttpOnly; SameSite=Lax"),
        ({"max_age": 60}, "a=b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
        ({"max_age": 0}, "a=b; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"),
        ({"max_age": timedelta(days=1)}, "a=b; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"),
        (
            {"expires": MOMENT},
            "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; HttpOnly; SameSite=Lax",
        ),
        (
            {"expires": MOMENT.astimezone(timezone(timedelta(hours=5)))},
            "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; HttpOnly; SameSite=Lax",
        ),
        (
            {"domain": "example.com", "path": "/shop"},
            "a=b; Domain=example.com; Path=/shop; HttpOnly; SameSite=Lax",
        ),
        ({"secure": True}, "a=b; Path=/; Secure; HttpOnly; SameSite=Lax"),
        # Of no use without Secure, so they have it also where https ends in front of us.
        ({"samesite": "None"}, "a=b; Path=/; Secure; HttpOnly; SameSite=None"),
        ({"name": "__Host-a"}, "__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"name": "__secure-a"}, "__secure-a=b; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ],
)
def test_cookie_when_valid_is_rendered(attributes: dict[str, Any], header: str) -> None:
    cookie = SetCookie(**{"name": "a", "value": "b"} | attributes)

    assert cookie.render(is_https=False) == header


def test_cookie_when_secure_is_left_open_follows_the_scheme() -> None:
    assert "Secure" in SetCookie(name="a").render(is_https=True)
    assert "Secure" not in SetCookie(name="a").render(is_https=False)
    assert "Secure" not in SetCookie(name="a", secure=False).render(is_https=True)


def test_cookie_when_it_expires_after_year_9999_somewhere_is_rendered() -> None:
    late = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))

    assert "31 Dec 9999" in SetCookie(name="a", expires=late).render(is_https=False)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": ""}, "is not a token"),
        ({"name": "a b"}, "is not a token"),
        ({"name": "a=b"}, "is not a token"),
        ({"name": "ä"}, "is not a token"),
        ({"name": "a\r\nb"}, "is not a token"),
        ({"value": "a b"}, "Encode it, as with urllib.parse.quote"),
        ({"value": "a;b"}, "Encode it"),
        ({"value": "a,b"}, "Encode it"),
        ({"value": 'a"b'}, "Encode it"),
        ({"value": "a\\b"}, "Encode it"),
        ({"value": "ü"}, "Encode it"),
        ({"value": "a\r\nSet-Cookie: c=d"}, "Encode it"),
        ({"value": 7}, "Encode it"),
        ({"path": ""}, "Begin with '/'"),
        ({"path": "shop"}, "Begin with '/'"),
        ({"path": "/a;Secure"}, "Begin with '/'"),
        ({"path": "/ü"}, "percent-encode"),
        ({"path": "/\n"}, "Begin with '/'"),
        ({"domain": ""}, "is not a host name"),
        ({"domain": "a;b"}, "is not a host name"),
        ({"domain": "bücher.example"}, "xn--"),
        ({"domain": "example.com:80"}, "without port"),
        ({"domain": "example.com\n"}, "is not a host name"),
        ({"max_age": -1}, "Use delete_cookie"),
        ({"max_age": timedelta(seconds=-5)}, "Use delete_cookie"),
        ({"expires": datetime(2030, 1, 1)}, "has no time zone"),
        ({"samesite": "Sometimes"}, "is not known"),
        ({"samesite": "None", "secure": False}, "browsers drop a cookie with samesite='None'"),
        ({"name": "__Secure-a", "secure": False}, "__Secure-"),
        ({"name": "__Host-a", "secure": False}, "__Host-"),
        ({"name": "__host-a", "path": "/a"}, "only with path='/'"),
        ({"name": "__Host-a", "domain": "example.com"}, "without a domain"),
        ({"value": "x" * 4096}, "browsers keep up to 4096"),
    ],
)
def test_cookie_when_no_browser_would_keep_it_is_refused(
    attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidHeaderError, match=message):
        SetCookie(**{"name": "a", "value": "b"} | attributes)


def test_cookie_when_at_the_limit_is_kept() -> None:
    overhead = len(SetCookie(name="a").render(is_https=True))

    SetCookie(name="a", value="x" * (4096 - overhead))
    with pytest.raises(InvalidHeaderError):
        SetCookie(name="a", value="x" * (4097 - overhead))


@settings(derandomize=True, deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_cookie_when_made_of_any_text_is_refused_or_one_header(
    name: str, value: str, path: str, domain: str
) -> None:
    for attributes in (
        {"name": name, "value": value},
        {"name": "a", "value": value},
        {"name": "a", "path": f"/{path}"},
        {"name": "a", "domain": domain},
        {"name": "a", "samesite": value},
    ):
        try:
            header = SetCookie(**attributes).render(is_https=True)  # type: ignore[arg-type]  # Any text.
        except InvalidHeaderError:
            continue
        assert header.isascii()
        assert header.isprintable()
        assert header.count(";") <= 5
        assert parse_cookies(header.partition(";")[0]) == {
            attributes["name"]: attributes.get("value", "")
        }
