"""What the development worker plugs into the loop. The production server leaves it empty."""

import socket
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seam:
    """What the development worker gives: its gate, where connections go, what a no means."""

    may_dispatch: Callable[[], bool]
    release: Callable[[socket.socket, bytes], None] | None
    on_stale: Callable[[], None]
