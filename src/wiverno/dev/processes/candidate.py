"""The candidate: imports the application, and says what came of it.

It begins in a new interpreter, in the fork of a template, or in the fork of another candidate
in the middle of its import. Then the state below is that of the earlier build, and `resume`
makes it that of the new one; the import goes on where it was.
"""

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from wiverno.core.app_target import AppTarget, load
from wiverno.core.interfaces import Interface, as_asgi3, choose_interface
from wiverno.dev.application_forks import in_child
from wiverno.dev.decisions.lifecycle import Blame
from wiverno.dev.decisions.placement import Place
from wiverno.dev.loading import held_files
from wiverno.dev.loading.data_files import LIMIT, DataFiles
from wiverno.dev.loading.execution import Execution, Point
from wiverno.dev.loading.finder import RecordingFinder
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.loader import RecordedSources
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.roots import Roots
from wiverno.dev.loading.sources import Sources
from wiverno.dev.processes import child, life_line
from wiverno.dev.processes.build_files import BuildFiles
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.groundwork import Groundwork
from wiverno.dev.processes.held_output import SHOWN_AFTER_S, HeldOutput
from wiverno.dev.processes.messages import Build, Built, Copied, Outcome
from wiverno.dev.processes.own_pages import find_own_pages
from wiverno.dev.processes.stack import answer_with_more, answer_with_stack

if TYPE_CHECKING:
    from wiverno.dev.loading.doorbell import Doorbell, HangingDoorbell
    from wiverno.dev.processes.snapshots import Snapshots
    from wiverno.dev.serving.asgi import ASGIHost

# Read by frameworks with calls that tell nothing (`exists`, `stat`) when they are absent.
_ENVIRONMENT_FILES = (".env", ".flaskenv")


@dataclass(slots=True)
class _Descriptors:
    """Those that came with `build`, which another build replaces."""

    files: BuildFiles
    good_sources: tuple[int, ...]
    life_line: int

    @classmethod
    def of(cls, build: Build) -> "_Descriptors":
        inherited_life_line, *fds = build.fds
        count = len(BuildFiles._fields)
        files, good_sources = BuildFiles(*fds[:count]), tuple(fds[count:])
        return cls(files, good_sources, life_line.arm(inherited_life_line))

    def all(self) -> tuple[int, ...]:
        return (*self.files, *self.good_sources, self.life_line)

    def close(self) -> None:
        for fd in self.all():
            # The application may have closed it.
            with contextlib.suppress(OSError):
                os.close(fd)


class Candidate:
    """What a process is that has not been told to serve yet."""

    def __init__(self, channel: Channel, groundwork: Groundwork) -> None:
        self.channel = channel
        in_child(lambda: self.channel.close())
        self._groundwork = groundwork
        self._is_forked = groundwork.is_forked
        self.build = self._receive_build()
        self._descriptors = _Descriptors.of(self.build)
        self.record = Record(self._descriptors.files.record)
        self.sources = Sources(self._descriptors.files.sources, *self._descriptors.good_sources)
        self.output = HeldOutput(self._descriptors.files.output, self._shown_at())
        self.cache = groundwork.cache
        self.data_files = DataFiles(
            self.record,
            [os.getcwd(), *self.build.project_dirs],
            left_out=self.build.static_dirs,
            not_followed=self.build.unwatch_files,
        )
        user_code = groundwork.user_code
        self._roots = Roots(user_code, groundwork.early)
        read = RecordedSources(self.record, self.sources)
        self._execution = Execution(read.read, self.cache)
        self._finder = RecordingFinder(self.record, user_code, read, self._execution, self._roots)
        self._snapshots: Snapshots | None = None
        self._doorbell: HangingDoorbell | None = None
        self.gate = self._make_gate()
        self._begun = time.monotonic()
        self.asgi_host: ASGIHost | None = None
        """Of an ASGI application: its event loop, and what it does when it starts and ends."""
        self.shutdown: Callable[[], object] | None = None
        """What the application does at its end, once it was started."""
        self._changed_environment: str | None = None
        """A file that the environment of this process is older than."""
        self._take_descriptors()

    @property
    def files(self) -> BuildFiles:
        return self._descriptors.files

    def import_application(self) -> Any:
        """Import it, start it, and report. None: this process has nothing to serve.

        What was called in one process may return in another one.
        """
        self._prepare()
        application: Any = None
        debug: bool | None = None
        report, blame = b"", Blame.CODE
        try:
            self._check_environment()
            loaded = load(AppTarget(self.build.module, self.build.attribute))
            interface = choose_interface(self.build.interface, loaded)
            host_class = None if interface is Interface.WSGI else _import_asgi_host()
            self._reach_end()
            # Before `built`: an application that cannot start is a failed build.
            if host_class is not None:
                self._start_asgi(host_class(as_asgi3(loaded, interface)))
            else:
                self._start_wsgi(loaded)
            application = loaded
            debug = _debug_attribute(application)
        except BaseException as error:  # noqa: BLE001 - sys.exit() at import is an answer too
            report = self._report(error)
            blame = _blame_for(error)
        imported = time.monotonic()
        # Output of the import stands before anything that this report makes others print.
        if self.data_files.is_full:
            child.complain(
                f"After the first {LIMIT} files that were read the rest is not followed."
            )
        child.flush_output()
        self.sources.forget_good()
        built = self._judge(Outcome.FAILED if application is None else Outcome.GOOD)
        self.channel.send(
            Built(
                debug=debug,
                blame=blame,
                roots=tuple(self._roots.asked_for),
                interpreter_ms=(self._begun - self.build.spawned_at) * 1000,
                import_ms=(imported - self._begun) * 1000,
                verify_ms=(time.monotonic() - imported) * 1000,
                payload=report,
                **built,
            )
        )
        self.output.import_ended()
        return application if built["outcome"] is Outcome.GOOD else None

    def _reach_end(self) -> None:
        """A place to fork, for edits of what is read only later: templates, most often."""
        if self._snapshots is not None:
            later = (path for path in reversed(self.build.hot_files) if path not in self.record)
            if (path := next(later, None)) is not None:
                self._snapshots.reached(Point(path, Place.AT_END, is_entry=False))

    def _start_asgi(self, host: "ASGIHost") -> None:
        self._roots.served_with(type(host).__module__)
        self.asgi_host, self.shutdown = host, host.shutdown
        answer_with_more(self.files.stack, host.where_it_waits)
        host.startup()

    def _start_wsgi(self, application: Any) -> None:
        if "wiverno.core.lifespan" not in sys.modules:
            return  # Whoever has one has imported it; others need not.
        from wiverno.core.lifespan import lifespan_of

        if (lifespan := lifespan_of(application)) is not None:
            self.shutdown = lifespan.shutdown
            lifespan.startup()

    def _judge(self, outcome: Outcome) -> dict[str, Any]:
        """The outcome as it stands after a look at the disk, with its reason."""
        if self._changed_environment is not None:
            return {"outcome": Outcome.CHANGED, "changed_path": self._changed_environment}
        if not self.gate.is_fresh():
            return {"outcome": Outcome.CHANGED, "changed_path": self.gate.stale_path}
        # A failed build needs no more modules than it had.
        is_whole = outcome is Outcome.GOOD
        if (why := self._roots.why_inexact(is_whole=is_whole)) is not None:
            return {"outcome": Outcome.INEXACT, "why_inexact": why}
        return {"outcome": outcome}

    def tidy_up(self) -> None:
        """What can wait until the application has answered."""
        if self.build.tells_pages:
            self._tell_pages()
        self.sources.write_inherited()
        self.cache.save()

    def _tell_pages(self) -> None:
        try:
            self.channel.send(Copied(find_own_pages()))
        except ChannelClosedError:
            raise
        except Exception:  # noqa: BLE001 - speed is no reason to end a worker
            pass

    # In the middle of an import.

    @property
    def rewritten(self) -> str | None:
        return self.data_files.rewritten

    def record_length(self) -> int:
        return self.record.length

    def installed_files(self) -> bytes:
        return held_files.pack(self._finder.installed)

    def continue_build(self) -> None:
        """In a child that goes on with the same build, while its parent is paused."""
        armed = self._descriptors.life_line = life_line.arm(self._descriptors.life_line)
        child.close_in_forks(armed)
        if self._snapshots is not None:
            self._snapshots.recognise(armed)

    def prepare_to_resume(self) -> None:
        """In a child that waits for its build: do what is the same for any."""
        self.record.go_on_in(None, self._paths_under_way())
        # The build that went on, when this place was reached, writes it once for all.
        self.cache.leave_to_parent()
        self.gate = self._make_gate()
        self.gate.look_ahead()

    def resume(self, channel: Channel) -> None:
        """In a child that goes on with another build. Ends the process if that cannot be."""
        self.channel = channel
        before, self.build = self._descriptors, self._receive_build()
        self._begun = time.monotonic()
        self._descriptors = _Descriptors.of(self.build)
        before.close()
        self._take_descriptors()
        under_way = self._paths_under_way()
        files, good_sources = self._descriptors.files, self._descriptors.good_sources
        self.record.go_on_in(files.record, under_way)
        self.sources.go_on_in(files.sources, next(iter(good_sources), None), under_way)
        self.output.go_on_in(files.output, self._shown_at())
        if (unfit := self._execution.go_on_elsewhere()) is not None:
            changed_path = unfit.path if unfit.has_changed else None
            built = Built(Outcome.UNFIT, why_inexact=unfit.why, changed_path=changed_path)
            self.channel.send(built)
            os._exit(0)
        self._begin_snapshots()

    def _paths_under_way(self) -> set[str]:
        return {each.path for each in self._execution.under_way}

    def _make_gate(self) -> Gate:
        return Gate(self.record, doorbell=self._hang_doorbell)

    def _receive_build(self) -> Build:
        build = self.channel.receive()
        assert isinstance(build, Build)  # the first message, by the protocol
        if self._is_forked:
            # Its lists of directories are as old as the parent, and compared by their mtime only.
            importlib.invalidate_caches()
        return build

    def _take_descriptors(self) -> None:
        answer_with_stack(self.files.stack)
        for fd in self._descriptors.all():
            child.close_in_forks(fd)

    def _shown_at(self) -> float | None:
        return None if self.build.is_retry else self.build.spawned_at + SHOWN_AFTER_S

    # Before the import.

    def _prepare(self) -> None:
        self.output.begin()
        self._begun = time.monotonic()
        _take_cold_start_environment(self.build, self._groundwork.main_spec)
        self._finder.install(self._groundwork.loaded_files)
        self.data_files.install()
        for name in (*_ENVIRONMENT_FILES, *self.build.watch_files):
            self.data_files.follow(os.path.abspath(name))
        self._roots.hide()
        self._execution.before_other_code = self._roots.changes.other_code_begins
        self._execution.after_other_code = self._roots.changes.other_code_ended
        if self._is_forked:
            # A process that was not forked from a template is there because forks do harm.
            from wiverno.dev.processes.snapshots import Snapshots

            self._snapshots = Snapshots(self, self._execution)
            self._execution.on_point = self._snapshots.reached
            self._begin_snapshots()

    def _check_environment(self) -> None:
        """Nothing is imported in an environment that is older than the record of its files."""
        build = self.build
        if not build.environment_files:
            return
        from wiverno.core.exceptions import EnvironmentFileError
        from wiverno.dev.processes.environment import digest_of

        if digest_of(build.environment_files) != build.environment_digest:
            self._changed_environment = build.environment_files[0]
            raise EnvironmentFileError("The environment files have changed meanwhile.")
        if build.environment_fault:
            raise EnvironmentFileError(build.environment_fault)

    def _begin_snapshots(self) -> None:
        if self._snapshots is not None:
            ours = (self.channel.fileno(), *self._descriptors.all())
            self._snapshots.begin(self.build.hot_files, ours)

    def _hang_doorbell(self) -> "Doorbell | None":
        # Imported only now: most generations answer too few requests to need it.
        from wiverno.dev.loading.doorbell import HangingDoorbell

        if self._doorbell is None:
            self._doorbell = HangingDoorbell(self.record)
        return self._doorbell()

    def _report(self, error: BaseException) -> bytes:
        from wiverno.dev.failure.last_good import SinceLastGood
        from wiverno.dev.failure.report import report_exception

        target = f"{self.build.module}:{self.build.attribute}"
        since = SinceLastGood(self.sources.loaded, self.sources.read_good())
        return report_exception(error, target, since).to_json()


def _take_cold_start_environment(build: Build, main_spec: ModuleSpec | None) -> None:
    """What `python -m wiverno` would have given: path, arguments, a `__main__` with a file."""
    sys.path[:0] = [os.getcwd(), *build.import_dirs]
    sys.argv = list(build.argv)
    main_module = sys.modules["__main__"]
    # With this spec multiprocessing knows that there is nothing to run again in its children.
    main_module.__spec__ = main_spec
    if main_spec is not None:
        main_module.__file__ = main_spec.origin


def _import_asgi_host() -> "type[ASGIHost]":
    """Raises MissingExtraError where the packages for it are not installed."""
    try:
        from wiverno.dev.serving.asgi import ASGIHost
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "uvicorn":
            raise
        from wiverno.core.exceptions import MissingExtraError

        raise MissingExtraError("An ASGI application", "uvicorn", "asgi") from None
    return ASGIHost


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
