"""Connections in the supervisor's hands, between the process that read them and the next one."""

import itertools
from collections import deque

from wiverno.dev.processes.handles import HeldConnection, ProcessHandle
from wiverno.dev.processes.messages import Connection


class ConnectionQueue:
    """First in, first out. A connection is ours until the process that gets it says `taken`."""

    def __init__(self) -> None:
        self._held: deque[HeldConnection] = deque()
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, message: Connection) -> bool:
        """False: the connection did not come along, since descriptors have run out."""
        if not message.fds:
            return False
        self._held.append(HeldConnection(message.fds[0], message.payload))
        return True

    def forward_to(self, handle: ProcessHandle) -> None:
        """Hand all of them to `handle`, keeping our copies until it has taken them."""
        while self._held:
            connection = self._held.popleft()
            number = next(self._numbers)
            handle.in_transit[number] = connection
            handle.channel.send(
                Connection(number=number, payload=connection.received, fds=(connection.fd,))
            )

    def taken(self, handle: ProcessHandle, number: int) -> None:
        handle.in_transit.pop(number).close()

    def recover(self, handle: ProcessHandle) -> None:
        """`handle` is gone: what it had not taken waits for the next process, in order."""
        self._held.extendleft(reversed(handle.in_transit.values()))
        handle.in_transit.clear()

    def close(self) -> None:
        while self._held:
            self._held.popleft().close()
