"""The pages process: serves the page for a build that failed. It holds no user code.

Gated like a worker, on the record that the failed build left: the fix is noticed by
the request that asks for it.
"""

import os
import select
import socket
import threading
from collections.abc import Callable
from typing import NoReturn

from wiverno.dev.failure.page import failure_app
from wiverno.dev.failure.report import FailureReport
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import RecordReader
from wiverno.dev.processes import child, orphans
from wiverno.dev.processes.asking import Asking
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
from wiverno.dev.processes.role import SESSION_VARIABLE, Role, take_role
from wiverno.dev.serving.telling import Telling
from wiverno.dev.serving.wsgi import ToldApplication, WSGIServing

# Pages are made in microseconds; an upload that began before the fix may take its time.
_FINISH_S = 10.0
# After the death of the supervisor, for what the application had started.
_END_SESSION_S = 1.0
_FAILED = "500 Internal Server Error"
_NOT_YET = "503 Service Unavailable"


def main(channel_fd: int, descriptor_limit: int) -> NoReturn:
    child.begin(descriptor_limit)
    take_role(Role.PAGES)
    channel = Channel(socket.socket(fileno=channel_fd))
    pages = _Pages(channel)
    try:
        leave_s = None
        while leave_s is None:
            leave_s = pages.handle(channel.receive())
    except ChannelClosedError:
        _end_session()
    child.leave(0, leave_s)


def _outlive_supervisor(inherited: int) -> None:
    """The last duty: the life line ends our processes, but not what the application started.

    So this process is not armed with SIGKILL. It runs no code that could keep the thread
    from running.
    """
    poll = select.poll()
    poll.register(inherited, 0)
    poll.poll()
    _end_session()


def _end_session() -> NoReturn:
    session_id, _, _ = os.environ[SESSION_VARIABLE].partition(".")
    orphans.end_session(f"{session_id}.", _END_SESSION_S)
    os._exit(1)


class _Pages:
    """Idle until `go`; then serves one report until it stands down or another one comes."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._serving: WSGIServing | None = None
        self._handover: Handover | None = None
        self._record_fd: int | None = None

    def handle(self, message: Message) -> float | None:
        """A number: the process is to leave within so many seconds."""
        match message:
            case Attach():
                threading.Thread(
                    target=_outlive_supervisor, args=(message.fds[0],), daemon=True
                ).start()
            case Go():
                self._stand_down(lambda: None)
                self._serve(message)
            case StandDown():
                self._stand_down(lambda: self._channel.send(StoodDown(message.generation)))
            case Connection():
                self._take(message)
            case Retire():
                if self._serving is not None:
                    self._serving.retire(message.deadline_s)
                return message.leave_s
            case _:
                raise ValueError(f"pages do not understand {message.name!r}")
        return None

    def _serve(self, message: Go) -> None:
        record_fd, *listeners = message.fds
        reader = RecordReader(record_fd)
        gate = Gate(reader.record)
        self._record_fd = record_fd
        self._handover = Handover(
            self._channel, message.generation, gate, before_sweep=reader.refresh
        )
        report = FailureReport.from_json(message.payload)
        status = _FAILED if message.is_final else _NOT_YET
        page = failure_app(report, message.generation, status)
        telling = Telling(request_began=Asking(self._channel))
        self._serving = WSGIServing(ToldApplication(page, telling), self._handover)
        self._serving.go([socket.socket(fileno=fd) for fd in listeners])

    def _take(self, message: Connection) -> None:
        assert self._serving is not None  # the supervisor sends `go` first
        assert self._handover is not None
        self._handover.take(message, self._serving)

    def _stand_down(self, then: Callable[[], None]) -> None:
        """Stop serving; call `then` when all that had not begun is handed over."""
        serving, record_fd = self._serving, self._record_fd
        self._serving = self._handover = self._record_fd = None
        if serving is None or record_fd is None:
            then()
            return

        def stood_down() -> None:
            # The gate is not asked any more.
            os.close(record_fd)
            then()

        serving.stop_accepting(_FINISH_S, stood_down)
