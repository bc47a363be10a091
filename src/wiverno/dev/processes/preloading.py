"""Finds out which modules may be imported before a fork, by importing them in a process apart."""

import contextlib
import importlib
import json
import os
import select
import sys
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from types import ModuleType

from wiverno.dev.loading.data_files import DataFiles
from wiverno.dev.loading.record import Record
from wiverno.dev.loading.user_code import UserCode
from wiverno.dev.processes import life_line, memory_file
from wiverno.dev.processes.guard import Guard
from wiverno.dev.processes.messages import RefusedRoot
from wiverno.dev.processes.role import SESSION_VARIABLE, session_of, trial_mark
from wiverno.dev.processes.session_mark import write_mark
from wiverno.dev.processes.spawn import fork

# Of one module: the slowest known takes a few seconds on a busy machine.
_IMPORT_S = 60.0
# Nobody waits for it, and somebody may wait for the application meanwhile.
_NICENESS = 10


@dataclass(slots=True)
class Verdict:
    """What may be preloaded, in order, and why others may not."""

    good: list[str] = field(default_factory=list)
    refused: list[RefusedRoot] = field(default_factory=list)


class UserModuleError(ImportError):
    """Installed code imports a module of the user's."""


def try_out(
    roots: Sequence[str],
    life_line_fd: int,
    project_dirs: Sequence[str] = (),
    import_s: float = _IMPORT_S,
) -> Verdict:
    """Import `roots` in forked processes, one after the other, until each has its verdict.

    A module that spoils its process (a thread, a socket) or ends it is left out, and another
    process begins with those that were good. `import_s` is how long one import may take;
    files below `project_dirs` may not be read.
    """
    verdict = Verdict()
    left = list(roots)
    while left:
        results, is_overdue = _import_apart(
            [*verdict.good, *left], life_line_fd, project_dirs, import_s
        )
        spoiled = False
        for result in results[len(verdict.good) :]:
            left.remove(result.name)
            if result.reason:
                verdict.refused.append(result)
                spoiled = True
            else:
                verdict.good.append(result.name)
        if not spoiled and left:
            # It ended in the middle of the next one, or before that came to its turn.
            name = left.pop(0)
            if is_overdue:
                # It may be the machine.
                reason = f"its import takes longer than {import_s:g} s"
                verdict.refused.append(RefusedRoot(name, reason, import_s, is_lasting=False))
            else:
                verdict.refused.append(RefusedRoot(name, "its import ends the process"))
    return verdict


@contextlib.contextmanager
def as_in_a_candidate(argv: Sequence[str], import_dirs: Sequence[str] = ()) -> Iterator[set[str]]:
    """Arguments and path of the process are those of a candidate; gives what is looked for.

    To import a module of the user's raises UserModuleError: installed code that catches it
    would go on as if there were none.
    """
    finder = _UserModuleFinder()
    own_argv = sys.argv
    sys.argv = list(argv)
    folders = [os.getcwd(), *import_dirs]
    sys.path[:0] = folders
    sys.meta_path.insert(0, finder)
    try:
        yield finder.asked_for
    finally:
        sys.meta_path.remove(finder)
        del sys.path[: len(folders)]
        sys.argv = own_argv


class _UserModuleFinder:
    """Finds nothing, and raises where another one would find a module of the user's."""

    def __init__(self) -> None:
        self._user_code = UserCode()
        self.asked_for: set[str] = set()
        """Names of modules and packages that are looked for on `sys.path`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if BuiltinImporter.find_spec(fullname) or FrozenImporter.find_spec(fullname):
            return None
        if path is None:
            self.asked_for.add(fullname)
        spec = PathFinder.find_spec(fullname, path)
        if spec is None:
            return None
        places = [spec.origin] if spec.has_location else spec.submodule_search_locations or ()
        if any(place is not None and self._user_code.contains(place) for place in places):
            _user_modules.append(fullname)
            raise UserModuleError(fullname)
        return None


_user_modules: list[str] = []
"""Asked for by installed code, which may have caught the error."""


def _import_apart(
    names: Sequence[str], life_line_fd: int, project_dirs: Sequence[str], import_s: float
) -> tuple[list[RefusedRoot], bool]:
    """For each name that was tried, in order, what speaks against it; the first such ends it.

    Nothing is an empty text. And whether time was up.
    """
    reader, writer = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            os.close(reader)
            life_line.arm(life_line_fd)
            # By this the supervisor finds it when the template has ended.
            write_mark(trial_mark(session_of(os.environ[SESSION_VARIABLE]), os.getppid()))
            os.nice(_NICENESS)
            _report_imports(names, writer, project_dirs)
        finally:
            os._exit(0)
    os.close(writer)
    try:
        lines, is_overdue = _lines_of(reader, import_s)
        return [RefusedRoot(*json.loads(line)) for line in lines], is_overdue
    finally:
        os.close(reader)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _lines_of(fd: int, silence_s: float) -> tuple[list[bytes], bool]:
    """What comes before the end, or before the process is silent for too long; and which."""
    content = b""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    deadline = time.monotonic() + silence_s
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        received = os.read(fd, 65536)
        if not received:
            return content.splitlines(), False
        content += received
        deadline = time.monotonic() + silence_s
    return content.splitlines(), True


def _report_imports(names: Sequence[str], fd: int, project_dirs: Sequence[str]) -> None:
    output_fd = memory_file.create("wiverno-preload-output")
    for stream in (1, 2):
        os.dup2(output_fd, stream)
    record = Record()
    DataFiles(record, [os.getcwd(), *project_dirs]).install()
    guard = Guard()
    for name in names:
        begun = time.monotonic()
        result = _judge(name, guard, output_fd, record)
        result = result._replace(import_s=time.monotonic() - begun)
        os.write(fd, json.dumps(result).encode() + b"\n")
        if result.reason:
            return


def _judge(name: str, guard: Guard, output_fd: int, record: Record) -> RefusedRoot:
    before = set(sys.modules)
    failure: BaseException | None = None
    with warnings.catch_warnings(record=True) as caught:
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 - a candidate shall raise it, whatever it is
            failure = error
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if (module := _user_module(before)) is not None:
        return RefusedRoot(name, f"it imports {module}, which is your code", is_lasting=False)
    if failure is not None:
        return RefusedRoot(name, f"its import fails here ({type(failure).__name__})")
    if os.fstat(output_fd).st_size or caught:
        return RefusedRoot(name, "it prints when it is imported")
    if entries := record.entries():
        # A cold start would depend on it, too.
        return RefusedRoot(name, f"it reads {entries[0].path}", is_lasting=False)
    obstacle = guard.refusal()
    return RefusedRoot(name, "" if obstacle is None else obstacle.sentence)


def _user_module(before: Collection[str]) -> str | None:
    """One that was imported since, or would have been."""
    if _user_modules:
        return _user_modules[0]
    user_code = UserCode()
    for name in sys.modules.keys() - before:
        # By a finder of its own, as that of an editable installation.
        file = getattr(sys.modules[name], "__file__", None)
        if isinstance(file, str) and user_code.contains(file):
            return name
    return None
