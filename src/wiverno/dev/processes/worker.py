"""The worker: imports the application as a candidate, then serves it.

Until `go` it runs no thread, selector or socket of ours but its channel, and it may be
killed at any time; after `go` it is only ever retired.
"""

import os
import socket
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

from wiverno.core.app_target import AppTarget, load
from wiverno.core.wsgi_types import WSGIApplication
from wiverno.dev.decisions.lifecycle import Blame
from wiverno.dev.loading.data_files import LIMIT, DataFiles
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.sources import Sources
from wiverno.dev.loading.user_code import UserCode
from wiverno.dev.processes import child, life_line
from wiverno.dev.processes.build_files import BuildFiles
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.held_output import SHOWN_AFTER_S, HeldOutput
from wiverno.dev.processes.messages import Build, Built, Go, Outcome
from wiverno.dev.processes.role import Role, take_role
from wiverno.dev.processes.stack import answer_with_stack
from wiverno.dev.serving.request_notes import RequestNotes

if TYPE_CHECKING:
    from wiverno.dev.loading.doorbell import Doorbell

# Read by frameworks with calls that tell nothing (`exists`, `stat`) when they are absent.
_ENVIRONMENT_FILES = (".env", ".flaskenv")
# A candidate that failed has a report to bring out, and nobody waits for it.
_LEAVE_AFTER_FAILURE_S = 0.5


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
    inherited_life_line, *fds = build.fds
    files = BuildFiles(*fds[: len(BuildFiles._fields)])
    good_sources = fds[len(files) :]
    answer_with_stack(files.stack)
    for fd in (*files, *good_sources, life_line.arm(inherited_life_line)):
        child.close_in_forks(fd)
    output = HeldOutput(files.output, None if build.is_retry else build.spawned_at + SHOWN_AFTER_S)
    output.begin()
    record = Record(files.record)
    gate = Gate(record, doorbell=lambda: _hang_doorbell(record))
    data_files = DataFiles(
        record,
        [os.getcwd(), *build.project_dirs],
        left_out=build.static_dirs,
        not_followed=build.unwatch_files,
    )
    sources = Sources(files.sources, *good_sources)
    application = _build(build, record, sources, data_files, gate, channel)
    output.import_ended()
    if application is None:
        return _LEAVE_AFTER_FAILURE_S
    notes = RequestNotes(files.notes, data_files.request_began)
    os.register_at_fork(after_in_child=notes.abandon)
    # Imported only now: what a candidate imports before its application costs every restart
    # twice when the build fails, and nothing of it is needed for that.
    from wiverno.dev.loading.policy_gates import CountingGate
    from wiverno.dev.processes.turns import Turn
    from wiverno.dev.processes.worker_server import WorkerServer

    policy_gate = CountingGate(record) if build.is_manual else gate
    turn = Turn.first(files.turns)
    server = WorkerServer(channel, application, record, policy_gate, notes, turn)
    message = channel.receive()
    if isinstance(message, Go):
        output.go()
    while (leave_s := server.handle(message)) is None:
        message = channel.receive()
    return leave_s


def _hang_doorbell(record: Record) -> "Doorbell":
    # Imported only now: most generations answer too few requests to need it.
    from wiverno.dev.loading.doorbell import Doorbell

    return Doorbell(record)


def _build(
    build: Build,
    record: Record,
    sources: Sources,
    data_files: DataFiles,
    gate: Gate,
    channel: Channel,
) -> WSGIApplication | None:
    """Import the application and report. None: this process has nothing to serve."""
    begun = time.monotonic()
    _take_cold_start_environment(build)
    RecordingFinder(record, UserCode(), sources).install()
    data_files.install()
    for name in (*_ENVIRONMENT_FILES, *build.watch_files):
        data_files.follow(os.path.abspath(name))
    application: WSGIApplication | None = None
    debug: bool | None = None
    report, blame = b"", Blame.CODE
    try:
        application = load(AppTarget(build.module, build.attribute))
        debug = _debug_attribute(application)
    except BaseException as error:  # noqa: BLE001 - sys.exit() at import is an answer too
        report = _report(error, f"{build.module}:{build.attribute}", sources)
        blame = _blame_for(error)
    imported = time.monotonic()
    # Output of the import stands before anything that this report makes others print.
    if data_files.is_full:
        child.complain(f"After the first {LIMIT} files that were read the rest is not followed.")
    child.flush_output()
    sources.forget_good()
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


def _report(error: BaseException, target: str, sources: Sources) -> bytes:
    from wiverno.dev.failure.last_good import SinceLastGood
    from wiverno.dev.failure.report import report_exception

    since = SinceLastGood(sources.loaded, sources.read_good())
    return report_exception(error, target, since).to_json()
