"""What can be said of connections by looking at them: which are idle, where a request stands."""

import sys
import traceback
from collections.abc import Iterable

from wiverno.core.server.connection import Connection, Phase


def is_idle(connection: Connection) -> bool:
    """Does it wait for a request of which nothing is here?"""
    return connection.phase is Phase.HEAD and not connection.reader.unread_bytes


def longest_idle(connections: Iterable[Connection], most: int) -> list[Connection]:
    """Up to `most` idle ones, the longest waiting first."""
    # Each was given its deadline when it began to wait.
    return sorted(filter(is_idle, connections), key=lambda each: each.deadline)[:most]


def describe_request(connection: Connection, now: float) -> str:
    """Request line, age and, where the application runs, the stack of its thread."""
    head = connection.head
    if head is None:
        return "a request"
    age_s = now - connection.started_at if connection.started_at else 0.0
    return f"{head.method} {head.target!r}, {age_s:.1f} s old{_where(connection)}"


def _where(connection: Connection) -> str:
    if connection.phase is not Phase.ANSWERING or connection.is_answered:
        return ""
    frame = sys._current_frames().get(connection.thread_id)
    if frame is None:
        return ", waiting for a thread"
    return f", in:\n{''.join(traceback.format_stack(frame)).rstrip()}"
