"""Tells the supervisor that requests meet a failure, so that it may try the build again."""

import contextlib
import time

from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.messages import Asked

# The supervisor may try the build again; more often it would not anyway.
_TELL_PAUSE_S = 1.0


class Asking:
    """Called for each request; the first in each second is told."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._tell_again_at = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._tell_again_at:
            self._tell_again_at = now + _TELL_PAUSE_S
            with contextlib.suppress(ChannelClosedError):
                self._channel.send(Asked())
