"""The pages process: serves the page for a build that failed. It holds no user code.

Gated like a worker, on the record that the failed build left: the fix is noticed by
the request that asks for it.
"""

import os
import socket
from typing import NoReturn

from wiverno.dev.failure.page import failure_app
from wiverno.dev.failure.report import FailureReport
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import RecordReader
from wiverno.dev.processes import child, life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.handover import Handover
from wiverno.dev.processes.messages import (
    Attach,
    Connection,
    Go,
    Message,
    Retire,
    StandDown,
    StoodDown,
)
from wiverno.dev.processes.role import Role, take_role
from wiverno.dev.serving.wsgi import ToldApplication, WSGIServing

# Pages are made in microseconds; this bounds a client that does not read its answer.
_FINISH_S = 0.5


def main(channel_fd: int) -> NoReturn:
    child.begin()
    take_role(Role.PAGES)
    channel = Channel(socket.socket(fileno=channel_fd))
    pages = _Pages(channel)
    try:
        while pages.handle(channel.receive()):
            pass
    except ChannelClosedError:
        os._exit(1)
    child.leave(0)


class _Pages:
    """Idle until `go`; then serves one report until it stands down or another one comes."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._serving: WSGIServing | None = None
        self._handover: Handover | None = None
        self._record_fd: int | None = None

    def handle(self, message: Message) -> bool:
        """False: the process is to leave."""
        match message:
            case Attach():
                life_line.arm(message.fds[0])
            case Go():
                self._stop_serving(_FINISH_S)
                self._serve(message)
            case StandDown():
                self._stop_serving(_FINISH_S)
                self._channel.send(StoodDown())
            case Connection():
                self._take(message)
            case Retire():
                self._stop_serving(message.deadline_s)
                return False
            case _:
                raise ValueError(f"pages do not understand {message.name!r}")
        return True

    def _serve(self, message: Go) -> None:
        self._record_fd, *listeners = message.fds
        reader = RecordReader(self._record_fd)
        gate = Gate(reader.record)
        self._handover = Handover(
            self._channel, message.generation, gate, before_sweep=reader.refresh
        )
        report = FailureReport.from_json(message.payload)
        self._serving = WSGIServing(
            ToldApplication(failure_app(report, message.generation)), self._handover
        )
        self._serving.go([socket.socket(fileno=fd) for fd in listeners])

    def _take(self, message: Connection) -> None:
        assert self._serving is not None  # the supervisor sends `go` first
        assert self._handover is not None
        self._handover.take(message, self._serving)

    def _stop_serving(self, deadline_s: float) -> None:
        if self._serving is None:
            return
        self._serving.retire(deadline_s)
        self._serving = self._handover = None
        if self._record_fd is not None:
            os.close(self._record_fd)
            self._record_fd = None
