"""What worker and pages do alike: say that the gate tripped, hand over and take connections."""

import contextlib
import socket
from collections.abc import Callable

from wiverno.dev.loading.policy_gates import AnyGate
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.messages import Connection, Stale, Taken
from wiverno.dev.processes.turns import Turn
from wiverno.dev.serving.protocol import Serving


class Handover:
    """The gate and the channel of one serving, as the callables that its server asks."""

    def __init__(
        self,
        channel: Channel,
        generation: int,
        gate: AnyGate,
        before_sweep: Callable[[], object] | None = None,
        turn: Turn | None = None,
    ) -> None:
        """`before_sweep` brings the gate's record up to date when another process writes it.

        When `turn` is over nothing more is answered here, whatever the gate says.
        """
        self._channel = channel
        self._generation = generation
        self._gate = gate
        self._before_sweep = before_sweep
        self._turn = turn
        self._told = False

    def is_fresh(self) -> bool:
        """Ask the gate; the first no is told to the supervisor. Called by the accept loop only."""
        if self._turn is not None and self._turn.is_over():
            return False
        if self._before_sweep is not None:
            self._before_sweep()
        if self._gate.is_fresh():
            return True
        if not self._told:
            self._told = True
            self._send(Stale(self._generation, self._gate.stale_path or ""))
        return False

    def hand_over(self, connection: socket.socket, received: bytes) -> None:
        with connection:
            self._send(Connection(payload=received, fds=(connection.fileno(),)))

    def take(self, message: Connection, serving: Serving) -> None:
        (fd,) = message.fds
        # First: a request that has begun must not be begun again when this process dies of it.
        self._send(Taken(message.number))
        serving.adopt_connection(socket.socket(fileno=fd), message.payload)

    def _send(self, message: Connection | Stale | Taken) -> None:
        # Without a supervisor there is nobody to serve for: the life line ends this process.
        with contextlib.suppress(ChannelClosedError):
            self._channel.send(message)
