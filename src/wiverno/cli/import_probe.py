"""Imports an application in a process of its own and writes down when which import began and ended.

Timed is the function of importlib through which every import goes that finds nothing in
`sys.modules`: the statement, `import_module`, a lazy import in a function. `-X importtime` does
not see the last two. What this process itself needs is imported before, so little of it: it
would be missing from what is told. `dev` workers have the same modules, and more.
"""

import atexit
import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn

from wiverno.core.app_target import AppTarget, find_application, import_app_module
from wiverno.core.exceptions import AppTargetError
from wiverno.dev.processes import life_line
from wiverno.dev.processes.role import Role, take_role

_IMPORTLIB = "<frozen importlib._bootstrap>"
_FindAndLoad = Callable[[str, Any], ModuleType]


class _Report:
    """Lines with a Python literal each, in a file that outlives this process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._spent_ns = 0

    def tell(self, kind: str, *values: object) -> None:
        """At once: the next import may end the process. The time it takes is taken off."""
        begun_ns = time.perf_counter_ns()
        line = ascii((kind, begun_ns - self._spent_ns, threading.get_ident(), *values))
        os.write(self._fd, f"{line}\n".encode("ascii"))
        self._spent_ns += time.perf_counter_ns() - begun_ns


def main(
    report_fd: int,
    life_line_fd: int,
    module: str,
    attribute: str,
    argv: list[str],
    import_dirs: list[str],
) -> NoReturn:
    """`argv` is what the application sees, `import_dirs` are on its path."""
    os.set_inheritable(report_fd, False)
    life_line.arm(life_line_fd)
    report = _Report(report_fd)
    _take_environment_of_a_worker(argv, import_dirs)
    try:
        with _timed(report):
            _load(AppTarget(module, attribute), report)
        report.tell("finished")
    except BaseException as error:  # noqa: BLE001 - sys.exit() at import is a failure, too
        report.tell("failed", isinstance(error, AppTargetError), describe(error))
    _end()


def describe(error: BaseException) -> str:
    """The message for a target that leads nowhere, else the traceback of the user's own frames."""
    if isinstance(error, AppTargetError):
        return str(error)
    from traceback import TracebackException

    whole = TracebackException.from_exception(error)
    todo: list[TracebackException | None] = [whole]
    while todo:
        part = todo.pop()
        if part is not None:
            part.stack[:] = [frame for frame in part.stack if not _is_machinery(frame.filename)]
            todo += [part.__cause__, part.__context__]
    return "".join(whole.format())


def _is_machinery(file: str) -> bool:
    ours = (__file__, importlib.__file__, import_app_module.__code__.co_filename)
    return file.startswith("<frozen importlib") or file in ours


def _take_environment_of_a_worker(argv: list[str], import_dirs: list[str]) -> None:
    take_role(Role.WORKER)
    sys.path[:0] = [os.getcwd(), *import_dirs]  # noqa: PTH109 - as a worker does it
    sys.argv = argv
    main_module = sys.modules["__main__"]
    main_module.__spec__ = find_spec("wiverno.__main__")
    if main_module.__spec__ is not None:
        main_module.__file__ = main_module.__spec__.origin


def _load(target: AppTarget, report: _Report) -> None:
    module = import_app_module(target)
    if not target.is_factory:
        find_application(module, target)
        return
    # Its own time, and that of what is imported in it, is part of every start.
    report.tell("begun", str(target))
    try:
        find_application(module, target)
    except BaseException as error:
        report.tell("ended", "", type(error).__name__)
        raise
    report.tell("ended", "", "")


@contextlib.contextmanager
def _timed(report: _Report) -> Any:
    bootstrap: Any = importlib._bootstrap
    original: _FindAndLoad = bootstrap._find_and_load

    def find_and_load(name: str, import_: Any) -> ModuleType:
        if name in sys.modules:  # Being imported already: a circle, or another thread.
            return original(name, import_)
        report.tell("begun", name)
        try:
            module = original(name, import_)
        except BaseException as error:
            report.tell("ended", _file_of_failed(name, error), _in_words(name, error))
            raise
        report.tell("ended", _file_of(module), "")
        return module

    # Whoever looks through a traceback, we ourselves for one, leaves importlib's frames out.
    find_and_load.__code__ = find_and_load.__code__.replace(co_filename=_IMPORTLIB)
    bootstrap._find_and_load = find_and_load
    try:
        yield
    finally:
        bootstrap._find_and_load = original


def _file_of(module: object) -> str:
    # Anything may stand in sys.modules.
    with contextlib.suppress(Exception):
        file = getattr(module, "__file__", None)
        if file is None:
            file = next(iter(getattr(module, "__path__", ())), None)
        return str(file or "")
    return ""


def _file_of_failed(name: str, error: BaseException) -> str:
    """Where its code was, as far as it came to run."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_globals.get("__name__") == name:
            return frames.tb_frame.f_code.co_filename
        frames = frames.tb_next
    return (error.filename or "") if isinstance(error, SyntaxError) else ""


def _in_words(name: str, error: BaseException) -> str:
    is_missing = isinstance(error, ModuleNotFoundError) and error.name == name
    return "not found" if is_missing else type(error).__name__


def _end() -> NoReturn:
    """Without waiting for threads, which may never end."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)
