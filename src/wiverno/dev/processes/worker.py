"""The worker: imports the application as a candidate, then serves it.

Until `go` it runs no thread, selector or socket of ours but its channel, and it may be
killed at any time; after `go` it is only ever retired.
"""

import os
import socket
import sys
import time
from typing import Any, NoReturn

from wiverno.core.app_target import AppTarget, load
from wiverno.core.wsgi_types import WSGIApplication
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.user_code import UserCode
from wiverno.dev.processes import child, life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.handover import Handover
from wiverno.dev.processes.messages import Build, Built, Connection, Go, Outcome, Retire
from wiverno.dev.processes.role import Role, take_role
from wiverno.dev.serving.protocol import Serving


def main(channel_fd: int) -> NoReturn:
    child.begin()
    take_role(Role.WORKER)
    channel = Channel(socket.socket(fileno=channel_fd))
    try:
        _run(channel)
    except ChannelClosedError:
        # The supervisor is gone; so is the terminal, most likely.
        os._exit(1)
    child.leave(0)


def _run(channel: Channel) -> None:
    build = channel.receive()
    assert isinstance(build, Build)  # the first message, by the protocol
    record_fd, inherited_life_line = build.fds
    life_line.arm(inherited_life_line)
    record = Record(record_fd)
    gate = Gate(record)
    application = _build(build, record, gate, channel)
    if application is None:
        return
    _serve(channel, application, gate)


def _build(build: Build, record: Record, gate: Gate, channel: Channel) -> WSGIApplication | None:
    """Import the application and report. None: this process has nothing to serve."""
    begun = time.monotonic()
    _take_cold_start_environment(build)
    RecordingFinder(record, UserCode()).install()
    application: WSGIApplication | None = None
    debug: bool | None = None
    report = b""
    try:
        application = load(AppTarget(build.module, build.attribute))
        debug = _debug_attribute(application)
    except BaseException as error:  # noqa: BLE001 - sys.exit() at import is an answer too
        report = _report(error, f"{build.module}:{build.attribute}")
    imported = time.monotonic()
    # Output of the import stands before anything that this report makes others print.
    sys.stdout.flush()
    if not gate.is_fresh():
        outcome = Outcome.CHANGED
    else:
        outcome = Outcome.FAILED if application is None else Outcome.GOOD
    channel.send(
        Built(
            outcome=outcome,
            debug=debug,
            changed_path=gate.stale_path,
            interpreter_ms=(begun - build.spawned_at) * 1000,
            import_ms=(imported - begun) * 1000,
            verify_ms=(time.monotonic() - imported) * 1000,
            payload=report,
        )
    )
    return application if outcome is Outcome.GOOD else None


def _take_cold_start_environment(build: Build) -> None:
    """What `python -m` would have given: the current directory first, the arguments."""
    sys.path.insert(0, os.getcwd())
    sys.argv = list(build.argv)


def _debug_attribute(application: Any) -> bool | None:
    try:
        debug = application.debug
    except Exception:  # noqa: BLE001 - a property of the application may raise anything
        return None
    return debug if isinstance(debug, bool) else None


def _report(error: BaseException, target: str) -> bytes:
    from wiverno.dev.failure.report import report_exception

    return report_exception(error, target).to_json()


def _serve(channel: Channel, application: WSGIApplication, gate: Gate) -> None:
    """Wait for `go`, then serve until `retire`."""
    # Imported only now: what a candidate imports before its application costs every restart
    # twice when the build fails, and nothing of it is needed for that.
    from wiverno.dev.serving.wsgi import ToldApplication, WSGIServing

    message = channel.receive()
    if not isinstance(message, Go):
        # The session ends before this candidate was needed.
        return
    handover = Handover(channel, message.generation, gate)
    serving: Serving = WSGIServing(ToldApplication(application, message.generation), handover)
    serving.go([socket.socket(fileno=fd) for fd in message.fds])
    while True:
        message = channel.receive()
        if isinstance(message, Connection):
            handover.take(message, serving)
        elif isinstance(message, Retire):
            serving.retire(message.deadline_s)
            return
