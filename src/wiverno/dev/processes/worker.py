"""The worker: imports the application as a candidate, then serves it.

Until `go` it runs no thread, selector or socket of ours but its channel, and it may be
killed at any time; after `go` it is only ever retired.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any, NoReturn

from wiverno.core.app_target import AppTarget, load
from wiverno.core.wsgi_types import WSGIApplication
from wiverno.dev.decisions.lifecycle import Blame
from wiverno.dev.loading.data_files import LIMIT, DataFiles
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.user_code import UserCode
from wiverno.dev.processes import child, life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.handover import Handover
from wiverno.dev.processes.messages import Build, Built, Connection, Go, Outcome, Retire
from wiverno.dev.processes.role import Role, take_role
from wiverno.dev.processes.stack import answer_with_stack
from wiverno.dev.serving.protocol import Serving
from wiverno.dev.serving.request_notes import RequestNotes

# Read by frameworks with calls that tell nothing (`exists`, `stat`) when they are absent.
_ENVIRONMENT_FILES = (".env", ".flaskenv")
# A candidate that failed has a report to bring out, and nobody waits for it.
_LEAVE_AFTER_FAILURE_S = 0.5
# For the output and atexit handlers, however long the requests took to end.
_LEAVE_AT_LEAST_S = 0.1


def main(channel_fd: int, descriptor_limit: int) -> NoReturn:
    child.begin(descriptor_limit)
    take_role(Role.WORKER)
    channel = Channel(socket.socket(fileno=channel_fd))
    # Passed on at exec, it would be again: `os.system` closes nothing.
    os.set_inheritable(channel_fd, False)
    os.register_at_fork(after_in_child=channel.close)
    try:
        leave_s = _run(channel)
    except ChannelClosedError:
        # The supervisor is gone; so is the terminal, most likely.
        os._exit(1)
    child.leave(0, leave_s)


def _run(channel: Channel) -> float:
    """Build and serve; returns how many seconds the process has to leave."""
    build = channel.receive()
    assert isinstance(build, Build)  # the first message, by the protocol
    record_fd, stack_fd, notes_fd, inherited_life_line = build.fds
    answer_with_stack(stack_fd)
    for fd in (record_fd, stack_fd, notes_fd, life_line.arm(inherited_life_line)):
        child.close_in_forks(fd)
    record = Record(record_fd)
    gate = Gate(record)
    data_files = DataFiles(record, [os.getcwd(), *build.project_dirs])
    application = _build(build, record, data_files, gate, channel)
    if application is None:
        return _LEAVE_AFTER_FAILURE_S
    notes = RequestNotes(notes_fd, data_files.request_began)
    os.register_at_fork(after_in_child=notes.abandon)
    return _serve(channel, application, gate, notes)


def _build(
    build: Build, record: Record, data_files: DataFiles, gate: Gate, channel: Channel
) -> WSGIApplication | None:
    """Import the application and report. None: this process has nothing to serve."""
    begun = time.monotonic()
    _take_cold_start_environment(build)
    RecordingFinder(record, UserCode()).install()
    data_files.install()
    for name in _ENVIRONMENT_FILES:
        data_files.follow(os.path.abspath(name))
    application: WSGIApplication | None = None
    debug: bool | None = None
    report, blame = b"", Blame.CODE
    try:
        application = load(AppTarget(build.module, build.attribute))
        debug = _debug_attribute(application)
    except BaseException as error:  # noqa: BLE001 - sys.exit() at import is an answer too
        report = _report(error, f"{build.module}:{build.attribute}")
        blame = _blame_for(error)
    imported = time.monotonic()
    # Output of the import stands before anything that this report makes others print.
    if data_files.is_full:
        child.complain(f"After the first {LIMIT} files that were read the rest is not followed.")
    child.flush_output()
    if not gate.is_fresh():
        outcome = Outcome.CHANGED
    else:
        outcome = Outcome.FAILED if application is None else Outcome.GOOD
    channel.send(
        Built(
            outcome=outcome,
            debug=debug,
            changed_path=gate.stale_path,
            blame=blame,
            interpreter_ms=(begun - build.spawned_at) * 1000,
            import_ms=(imported - begun) * 1000,
            verify_ms=(time.monotonic() - imported) * 1000,
            payload=report,
        )
    )
    return application if outcome is Outcome.GOOD else None


def _take_cold_start_environment(build: Build) -> None:
    """What `python -m wiverno` would have given: path, arguments, a `__main__` with a file."""
    sys.path.insert(0, os.getcwd())
    sys.argv = list(build.argv)
    main_module = sys.modules["__main__"]
    # With this spec multiprocessing knows that there is nothing to run again in its children.
    main_module.__spec__ = find_spec("wiverno.__main__")
    if main_module.__spec__ is not None:
        main_module.__file__ = main_module.__spec__.origin


def _debug_attribute(application: Any) -> bool | None:
    try:
        debug = application.debug
    except Exception:  # noqa: BLE001 - a property of the application may raise anything
        return None
    return debug if isinstance(debug, bool) else None


def _blame_for(error: BaseException) -> Blame:
    """What an exception that came out of the import may be owed to."""
    if isinstance(error, SyntaxError):
        return Blame.SYNTAX
    if isinstance(error, ImportError | NameError | AttributeError | TypeError):
        return Blame.CODE
    return Blame.WORLD


def _report(error: BaseException, target: str) -> bytes:
    from wiverno.dev.failure.report import report_exception

    return report_exception(error, target).to_json()


def _serve(
    channel: Channel, application: WSGIApplication, gate: Gate, notes: RequestNotes
) -> float:
    """Wait for `go`, then serve until `retire`; returns the seconds left to leave."""
    # Imported only now: what a candidate imports before its application costs every restart
    # twice when the build fails, and nothing of it is needed for that.
    from wiverno.dev.serving.wsgi import ToldApplication, WSGIServing

    message = channel.receive()
    if isinstance(message, Retire):
        # The session ends before this candidate was needed.
        return message.leave_s
    assert isinstance(message, Go)  # the only other message to a built candidate
    handover = Handover(channel, message.generation, gate)
    told = ToldApplication(application, message.generation, notes)
    serving: Serving = WSGIServing(told, handover)
    os.register_at_fork(after_in_child=serving.abandon_in_fork)
    serving.go([socket.socket(fileno=fd) for fd in message.fds])
    while True:
        message = channel.receive()
        if isinstance(message, Connection):
            handover.take(message, serving)
        elif isinstance(message, Retire):
            return _retire(channel, serving, message)


def _retire(channel: Channel, serving: Serving, message: Retire) -> float:
    """Returns the seconds left to leave. The end of the session may shorten the deadline."""
    leave_by = time.monotonic() + message.deadline_s + message.leave_s

    def hear_more() -> None:
        nonlocal leave_by
        with contextlib.suppress(ChannelClosedError):
            while True:
                again = channel.receive()
                if isinstance(again, Retire):
                    shorter = time.monotonic() + again.deadline_s + again.leave_s
                    leave_by = min(leave_by, shorter)
                    serving.retire(again.deadline_s)

    threading.Thread(target=hear_more, name="wiverno-retiring", daemon=True).start()
    serving.retire(message.deadline_s)
    return max(_LEAVE_AT_LEAST_S, min(message.leave_s, leave_by - time.monotonic()))
