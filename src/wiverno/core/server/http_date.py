"""The Date header: formatted once per second, whoever asks."""

import time

from wiverno.core.http.dates import format_date

_newest: tuple[int, bytes] = (0, b"")


def http_date() -> bytes:
    """The current time as RFC 9110 section 5.6.7 wants it. Safe to call from any thread."""
    global _newest  # One tuple, replaced whole: readers never see half of it.
    now = int(time.time())
    second, text = _newest
    if second != now:
        text = format_date(now).encode()
        _newest = (now, text)
    return text
