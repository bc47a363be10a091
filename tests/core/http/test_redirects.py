"""Locations of redirects."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.exceptions import InvalidHeaderError, InvalidHTTPStatusError
from wiverno.core.http.redirects import (
    checked_redirect_status,
    encoded_location,
    redirect_page,
)


@pytest.mark.parametrize(
    ("location", "encoded"),
    [
        ("/", "/"),
        ("", ""),
        ("?page=2#top", "?page=2#top"),
        ("https://example.com:8080/a;b?c=d&e=f", "https://example.com:8080/a;b?c=d&e=f"),
        ("http://[::1]/", "http://[::1]/"),
        ("/Straße", "/Stra%C3%9Fe"),
        ("/a b", "/a%20b"),
        ("/a%20b%C3%9F", "/a%20b%C3%9F"),
        ('/"<>`{|}^', "/%22%3C%3E%60%7B%7C%7D%5E"),
        # A browser takes `\` for `/`, and `//host` for another site.
        ("/\\evil.example", "/%5Cevil.example"),
    ],
)
def test_location_when_not_ascii_is_encoded_and_nothing_else(location: str, encoded: str) -> None:
    assert encoded_location(location) == encoded
    assert encoded_location(encoded) == encoded


@pytest.mark.parametrize("location", ["/\r\nA: b", "/\n", "\x00", "/\t/", "\x7f", "\x85", "\ud800"])
def test_location_when_it_holds_controls_is_refused(location: str) -> None:
    with pytest.raises(InvalidHeaderError, match="Location"):
        encoded_location(location)


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_location_when_of_any_text_is_refused_or_printable_ascii(text: str) -> None:
    for location in (text, f"/{text}", f"https://example.com/{text}"):
        try:
            encoded = encoded_location(location)
        except InvalidHeaderError:
            continue
        assert encoded.isascii()
        assert encoded.isprintable()
        assert not set(encoded) & set(' "<>\\')
        assert redirect_page(encoded).count("<a ") <= 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_status_when_browsers_follow_it_is_kept(status: int) -> None:
    assert checked_redirect_status(status) == status


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 404])
def test_redirect_status_when_no_browser_follows_it_is_refused(status: int) -> None:
    with pytest.raises(InvalidHTTPStatusError, match=f"Status {status} is not a redirect"):
        checked_redirect_status(status)


def test_redirect_page_when_made_links_there_escaped() -> None:
    assert '<a href="/a?b&amp;c">/a?b&amp;c</a>' in redirect_page("/a?b&c")


@pytest.mark.parametrize(
    "location", ["javascript:alert(1)", "JAVASCRIPT:1", "data:x", "app://x", "//[x"]
)
def test_redirect_page_when_no_web_address_has_no_link(location: str) -> None:
    assert "<a" not in redirect_page(location)
