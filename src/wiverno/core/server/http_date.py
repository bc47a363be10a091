"""The Date header: formatted once per second, whoever asks."""

import time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

_newest: tuple[int, bytes] = (0, b"")


def http_date() -> bytes:
    """The current time as RFC 9110 section 5.6.7 wants it. Safe to call from any thread."""
    global _newest  # One tuple, replaced whole: readers never see half of it.
    now = int(time.time())
    second, text = _newest
    if second != now:
        text = format_date(now)
        _newest = (now, text)
    return text


def format_date(timestamp: int) -> bytes:
    """By hand: strftime follows the locale, email.utils is a heavy import."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(timestamp)
    return (
        f"{_DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year:04} "
        f"{hour:02}:{minute:02}:{second:02} GMT"
    ).encode()
