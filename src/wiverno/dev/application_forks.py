"""Tells the processes that the application forks from those that we fork ourselves.

What is open here must not live on in the application's children: they would hold the port
and the clients' connections. A process that we fork goes on with all of it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

_is_ours = False


def in_child(callback: Callable[[], object]) -> None:
    """Call it in each process that the application forks."""

    def after_fork() -> None:
        if not _is_ours:
            callback()

    os.register_at_fork(after_in_child=after_fork)


@contextlib.contextmanager
def our_own() -> Iterator[None]:
    """A fork inside this is ours."""
    global _is_ours
    _is_ours = True
    try:
        yield
    finally:
        _is_ours = False
