"""The seam between a worker and the way it serves: what the supervisor's messages come down to."""

import socket
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from wiverno.dev.serving.telling import Telling


class Gatekeeper(Protocol):
    """Stands between a connection and the application. Called by the thread that accepts."""

    def is_fresh(self) -> bool:
        """Asked once per request, before it is dispatched."""

    def hand_over(self, connection: socket.socket, received: bytes) -> None:
        """Takes a connection that this process may not serve, with the bytes already read."""


class Serving(Protocol):
    """Serves one application for one generation."""

    def go(self, listeners: Sequence[socket.socket]) -> None:
        """Accept from now on. The listeners are the callee's to close."""

    def adopt_connection(self, connection: socket.socket, received: bytes) -> None:
        """Serve a connection that another process accepted, with the bytes it had read."""

    def stop_accepting(self, deadline_s: float, then: Callable[[], None]) -> None:
        """Accept nothing more and release what has not begun; call `then` when that is done.

        What is in flight goes on in the background, for `deadline_s` seconds at most.
        """

    @property
    def is_over(self) -> bool:
        """Has it finished what it had, after `stop_accepting`?"""

    def retire(self, deadline_s: float) -> None:
        """Finish what is in flight, cut the rest after `deadline_s` seconds, return when done."""

    def abandon_in_fork(self) -> None:
        """In a child that the application forked: close its copies of every socket."""


ServingFactory: TypeAlias = Callable[[Gatekeeper, Telling], Serving]
"""Makes one that serves the application behind this gate, and tells of its requests like this."""
