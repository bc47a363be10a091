"""The name under which a response is saved."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.exceptions import InvalidHeaderError
from wiverno.core.http.attachments import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("my report; final.pdf", 'attachment; filename="my report; final.pdf"'),
        (
            "Über €.pdf",
            "attachment; filename=\"Uber _.pdf\"; filename*=UTF-8''%C3%9Cber%20%E2%82%AC.pdf",
        ),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("..\\a.txt", 'attachment; filename=".._a.txt"'),
        ("it's (1).txt", 'attachment; filename="it\'s (1).txt"'),
        ("日本.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
    ],
)
def test_attachment_when_named_says_it_for_old_and_new_browsers(name: str, header: str) -> None:
    assert attachment(name) == header


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "a\r\nb", "a\nb", "a\x00", "a\tb", "\x7f", "\x85", "\ud800", "\u2028"],
)
def test_attachment_when_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidHeaderError, match="cannot be a file name"):
        attachment(name)


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_attachment_when_of_any_text_is_refused_or_says_it_exactly(name: str) -> None:
    try:
        header = attachment(name)
    except InvalidHeaderError:
        return
    match = re.fullmatch(
        r"attachment; filename=\"([^\"\\%]+)\"(?:; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+))?",
        header,
    )

    assert match
    assert header.isascii()
    assert header.isprintable()
    assert unquote(match[2] or match[1]) == re.sub(r"[/\\]", "_", name)
