"""Dates as HTTP writes them (RFC 9110 section 5.6.7): seconds since 1970 to text and back."""

import re
import time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
LAST_SECOND = 253_402_300_799
"""The end of the year 9999, the last one that the format has digits for."""

_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_FORMATS = (
    # Sun, 06 Nov 1994 08:49:37 GMT: what is sent today. The two others are obsolete; a
    # recipient must still understand them.
    re.compile(
        rf"(?:{'|'.join(_DAYS)}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"
    ),
    # Sunday, 06-Nov-94 08:49:37 GMT
    re.compile(
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, "
        rf"(?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"
    ),
    # Sun Nov  6 08:49:37 1994
    re.compile(
        rf"(?:{'|'.join(_DAYS)}) {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"
    ),
)


def format_date(timestamp: int) -> str:
    """Seconds since 1970 as an HTTP date.

    By hand: strftime follows the locale, email.utils is a heavy import.

    >>> format_date(784111777)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(timestamp)
    return (
        f"{_DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year:04} "
        f"{hour:02}:{minute:02}:{second:02} GMT"
    )


def parse_date(text: str, now: float | None = None) -> int | None:
    """Seconds since 1970 of an HTTP date in any of its three formats; None if it is none.

    `now` settles the century of a year with two digits; it is the current time by default.
    """
    for pattern in _FORMATS:
        if match := pattern.fullmatch(text):
            return _timestamp(match, time.time() if now is None else now)
    return None


def _timestamp(match: re.Match[str], now: float) -> int | None:
    year = int(match["year"])
    if len(match["year"]) == 2:
        year = _full_year(year, time.gmtime(now).tm_year)
    second = int(match["second"])
    if second > 60:  # 60 is a leap second, which no clock of ours has.
        return None
    # Here, since a server that only formats dates has no other use for it.
    from datetime import UTC, datetime

    try:
        minute = datetime(
            year,
            MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            tzinfo=UTC,
        )
    except ValueError:  # The 31st of February.
        return None
    return int(minute.timestamp()) + second


def _full_year(two_digits: int, this_year: int) -> int:
    """RFC 9110 5.6.7: what would be over 50 years ahead is the past."""
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
