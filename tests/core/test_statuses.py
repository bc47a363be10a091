"""Status lines, case by case."""

import pytest

from wiverno.core.exceptions import InvalidHTTPStatusError
from wiverno.core.http.statuses import allows_content, status_line


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, "200 OK"),
        ("200", "200 OK"),
        ("200 ok", "200 OK"),
        ("201 OK", "201 Created"),
        (" 404  NOT FOUND ", "404 Not Found"),
        (413, "413 Content Too Large"),
        (416, "416 Range Not Satisfiable"),
        (418, "418 I'm a Teapot"),
        (422, "422 Unprocessable Content"),
        ("299 Mostly Harmless", "299 Mostly Harmless"),
        (299, "299 Unknown"),
    ],
)
def test_status_line_when_usable_is_corrected(status: object, line: str) -> None:
    assert status_line(status) == line


@pytest.mark.parametrize(
    "status",
    [0, 99, 100, 199, 600, -200, True, None, 2.0, "", "OK", "20", "2000", "٢٠٠", "200OK", b"200"],
)
def test_status_line_when_unusable_quotes_the_status(status: object) -> None:
    with pytest.raises(InvalidHTTPStatusError) as caught:
        status_line(status)

    assert repr(status) in str(caught.value)


def test_status_line_when_its_phrase_holds_a_line_break_is_refused() -> None:
    with pytest.raises(InvalidHTTPStatusError, match="characters that HTTP does not allow"):
        status_line("299 Fine\r\nSet-Cookie: a=b")


def test_allows_content_when_the_status_has_none_is_false() -> None:
    lines = ["200 OK", "204 No Content", "304 Not Modified", "404 Not Found"]

    assert [allows_content(line) for line in lines] == [True, False, False, True]
