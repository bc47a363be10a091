"""Dates of HTTP, to text and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.http.dates import LAST_SECOND, format_date, parse_date

# The moment of RFC 9110 5.6.7.
MOMENT = 784111777


def test_format_date_gives_the_example_of_rfc_9110() -> None:
    assert format_date(MOMENT) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_parse_date_when_in_a_format_of_rfc_9110_gives_the_moment(text: str) -> None:
    assert parse_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "784111777",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 31 Feb 2024 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_parse_date_when_it_is_none_gives_none(text: str) -> None:
    assert parse_date(text) is None


def test_parse_date_when_a_leap_second_gives_the_next_second() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == parse_date(
        "Sun, 01 Jan 2017 00:00:00 GMT"
    )


@pytest.mark.parametrize(
    ("this_year", "two_digits", "year"),
    [(2024, "94", 1994), (2024, "74", 2074), (2024, "75", 1975), (1999, "00", 1900)],
)
def test_parse_date_when_the_year_has_two_digits_is_at_most_fifty_years_ahead(
    this_year: int, two_digits: str, year: int
) -> None:
    now = datetime(this_year, 6, 1, tzinfo=UTC).timestamp()

    moment = parse_date(f"Sunday, 06-Nov-{two_digits} 08:49:37 GMT", now)

    assert moment == datetime(year, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp()


@settings(derandomize=True, deadline=None)
@given(st.integers(min_value=-62135596800, max_value=LAST_SECOND))
def test_parse_date_of_what_was_formatted_gives_it_back(moment: int) -> None:
    assert parse_date(format_date(moment)) == moment


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_parse_date_when_it_is_any_text_raises_nothing(text: str) -> None:
    parse_date(text)
