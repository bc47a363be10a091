"""What the development worker plugs into the loop. The production server leaves it empty."""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger("wiverno.core.server")


@dataclass(frozen=True, slots=True)
class Seam:
    """What the development worker gives: its gate, where connections go, what a no means."""

    may_dispatch: Callable[[], bool]
    release: Callable[[socket.socket, bytes], None] | None
    on_stale: Callable[[], None]

    def hand_out(self, sock: socket.socket, unread: bytes) -> None:
        """Give a connection away, or close it when nobody takes it."""
        if self.release is None:
            sock.close()
            return
        try:
            self.release(sock, unread)
        except Exception:
            logger.exception("A connection could not be handed over and is closed")
            sock.close()
