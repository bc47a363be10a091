"""The worker: imports the application as a candidate, then serves it.

Until `go` it runs no thread, selector or socket of ours but its channel, and it may be
killed at any time; after `go` it is only ever retired.
"""

import os
import select
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from wiverno.dev.application_forks import in_child
from wiverno.dev.loading.roots import enable_loggers
from wiverno.dev.processes import child
from wiverno.dev.processes.candidate import Candidate
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.groundwork import Groundwork
from wiverno.dev.processes.messages import Go
from wiverno.dev.processes.role import Role, take_role
from wiverno.dev.serving.request_notes import RequestNotes

if TYPE_CHECKING:
    from wiverno.dev.processes.worker_server import WorkerServer
    from wiverno.dev.serving.asgi import ASGIHost
    from wiverno.dev.serving.protocol import ServingFactory

# A candidate that failed has a report to bring out, and nobody waits for it.
_LEAVE_AFTER_FAILURE_S = 0.5
# So long without a message: the burst of requests after a restart is over.
_QUIET_S = 0.5
_SERVER_LOGGER = "wiverno.core.server"


def main(channel_fd: int, descriptor_limit: int) -> NoReturn:
    child.begin(descriptor_limit)
    channel = Channel(socket.socket(fileno=channel_fd))
    # Passed on at exec, it would be again: `os.system` closes nothing.
    os.set_inheritable(channel_fd, False)
    run(channel, Groundwork())


def run(channel: Channel, groundwork: Groundwork) -> NoReturn:
    """Build, serve, leave."""
    take_role(Role.WORKER)
    try:
        candidate = Candidate(channel, groundwork)
        application = candidate.import_application()
        leave_s = _LEAVE_AFTER_FAILURE_S if application is None else _serve(candidate, application)
    except ChannelClosedError:
        # The supervisor is gone; so is the terminal, most likely. Or this build is not wanted.
        os._exit(1)
    child.leave(0, leave_s, candidate.shutdown)


def _serve(candidate: Candidate, application: Any) -> float:
    """Serve until it is retired; returns how many seconds the process has to leave."""
    # Imported only now: what a candidate imports before its application costs every restart
    # twice when the build fails, and nothing of it is needed for that.
    from wiverno.dev.loading.policy_gates import CountingGate
    from wiverno.dev.processes.turns import Turn
    from wiverno.dev.processes.worker_server import WorkerServer

    # Made by a template; a cold start makes it now.
    enable_loggers([_SERVER_LOGGER])
    channel, record = candidate.channel, candidate.record
    notes = RequestNotes(candidate.files.notes, candidate.data_files.request_began)
    in_child(notes.abandon)
    gate = CountingGate(record) if candidate.build.is_manual else candidate.gate
    turn = Turn.first(candidate.files.turns)
    make_serving = _serving_factory(candidate.asgi_host, application)
    server = WorkerServer(channel, make_serving, record, gate, notes, turn)
    server.has_shutdown = candidate.shutdown is not None
    if candidate.asgi_host is None:
        return _handle_messages(candidate, server)
    return candidate.asgi_host.run_beside(partial(_handle_beside, candidate, server))


def _serving_factory(asgi_host: "ASGIHost | None", application: Any) -> "ServingFactory":
    if asgi_host is not None:
        return asgi_host.make_serving
    from wiverno.dev.serving.wsgi import make_serving

    return partial(make_serving, application)


def _handle_beside(candidate: Candidate, server: "WorkerServer") -> float:
    """While the main thread runs the application, which may never come back from it."""
    try:
        leave_s = _handle_messages(candidate, server)
    except ChannelClosedError:
        os._exit(1)
    child.bound_leaving(0, leave_s)
    return leave_s


def _handle_messages(candidate: Candidate, server: "WorkerServer") -> float:
    channel = candidate.channel
    channel.wait()
    message = channel.receive()
    if isinstance(message, Go):
        candidate.output.go()
    leave_s = server.handle(message)
    # The connections that have waited come first.
    while leave_s is None and _is_told_more(channel):
        leave_s = server.handle(channel.receive())
    if leave_s is None:
        candidate.tidy_up()
    while leave_s is None:
        channel.wait()
        leave_s = server.handle(channel.receive())
    return leave_s


def _is_told_more(channel: Channel) -> bool:
    """Does one come before all is quiet?"""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    return bool(poll.poll(_QUIET_S * 1000))
