"""Third-party modules that a template has imported beforehand, as a candidate gets to see them.

A preloaded module is not in `sys.modules` until code asks for it, so that the process ends
up with the modules of a cold start, no more. What only a cold start can tell apart is told
as a problem: such a build is repeated in a process without preloaded modules.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from wiverno.dev.loading.user_code import UserCode

# Modules of ours that do what a file of the user's would: they may set the environment.
_SET_UP = "wiverno.frameworks."
_IMPORT_SYSTEM = ("<frozen importlib", os.path.dirname(importlib.__file__) + os.sep)


class EarlyImports(NamedTuple):
    """What a template has imported."""

    roots: tuple[str, ...] = ()
    """In the order in which the user's files asked for them."""
    looked_for: tuple[str, ...] = ()
    """What that has looked for on `sys.path`, where a module of the user's may be one day."""
    left_out: tuple[str, ...] = ()
    """What the user's files ask for as well, but no template imports."""
    environment: Mapping[str, Mapping[str, str | None]] = {}
    """What the import of a root has set; None: it has removed the variable."""
    loggers: Mapping[str, Sequence[str]] = {}
    """Those that the import of a root has made."""


def is_ours(name: str) -> bool:
    """A module that serves the application: no code of the user could set up anything for it."""
    return name.startswith("wiverno.")


def set_environment(changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def enable_loggers(names: Iterable[str]) -> None:
    """As if they were made now: `logging.config`, called before, would not have met them.

    It disables, unless told otherwise, what is there.
    """
    # Not imported for this: where nobody has, nobody has made any.
    if (logging := sys.modules.get("logging")) is None:
        return
    for name in names:
        # There may be a placeholder, too, for those below it.
        if isinstance(logger := logging.root.manager.loggerDict.get(name), logging.Logger):
            logger.disabled = False


def environment_changes(before: Mapping[str, str]) -> dict[str, str | None]:
    """What makes the present environment of `before`."""
    now = dict(os.environ)
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return {name: now.get(name) for name in names}


class PreloadedRoots:
    """Those of the template, in the order in which the user's files asked for them."""

    def __init__(self, early: EarlyImports) -> None:
        self._names = tuple(early.roots)
        self._environment = early.environment
        self._loggers = early.loggers
        self._hidden: dict[str, ModuleType] = {}
        self._asked: set[str] = set()

    def hide(self) -> None:
        """Take them out of `sys.modules`, before code of the user runs."""
        self._hidden = {name: sys.modules.pop(name) for name in self._names}

    def __contains__(self, name: str) -> bool:
        return name in self._hidden

    def take(self, name: str) -> ModuleSpec:
        """The spec that brings a hidden one back; those before it come back with it.

        They may be what it imports itself, as numpy is of pandas.
        """
        self._asked.add(name)
        module = self._hidden[name]
        for earlier in self._names[: self._names.index(name)]:
            if (hidden := self._hidden.pop(earlier, None)) is not None:
                sys.modules[earlier] = hidden
                self._take_effects(earlier)
        self._take_effects(name)
        del self._hidden[name]
        return ModuleSpec(name, _Returning(module))

    def _take_effects(self, name: str) -> None:
        set_environment(self._environment.get(name, {}))
        enable_loggers(self._loggers.get(name, ()))

    def never_asked(self) -> tuple[str, ...]:
        """Those that a cold start might not have: nobody asked for them by name."""
        return tuple(name for name in self._names if name not in self._asked)


class _Returning(Loader):
    """A loader that has its module already."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put its own there.
        module.__spec__ = self._spec


class UserChanges:
    """Has code of the user changed what the import of another module may depend on?"""

    def __init__(self) -> None:
        self.first: str | None = None
        """What was changed first, in words; None as long as nothing was."""
        self._runs = 0
        self._before_import: dict[str, Any] | None = None
        self._seen_at: dict[str, int] = {}

    def other_code_begins(self) -> dict[str, Any]:
        """Before code of the user that does more than import; pass the result on."""
        self._runs += 1
        return _surroundings() if self.first is None else {}

    def other_code_ended(self, before: dict[str, Any]) -> None:
        if self.first is None:
            now = _surroundings()
            self.first = next((what for what in now if now[what] != before.get(what)), None)

    def other_import_begins(self) -> None:
        """Before the import of a module that no template has: it may change as much."""
        if self._before_import is None and self.first is None:
            self._before_import = _surroundings()

    def problem_with(self, name: str) -> str | None:
        """Why the import of `name` may do something else here than in a fresh process."""
        if self._before_import is not None:
            before, self._before_import = self._before_import, None
            self.other_code_ended(before)
        if self.first is not None:
            return f"{self.first} was changed before {name} was imported"
        package = name.partition(".")[0]
        seen_at = self._seen_at.setdefault(package, self._runs)
        if seen_at != self._runs:
            # As `matplotlib.use()` does before `matplotlib.pyplot` is imported.
            return f"{package} may have been set up before {name} was imported"
        return None


def _surroundings() -> dict[str, Any]:
    return {
        "the environment": _environment(),
        "sys.path": list(sys.path),
        "sys.meta_path": list(map(id, sys.meta_path)),
        "the warning filters": list(warnings.filters),
        "the current directory": _current_directory(),
        "the socket module": getattr(sys.modules.get("socket"), "socket", None),
    }


def _environment() -> dict[Any, Any]:
    # What stands below `os.environ` is copied ten times faster: nothing is decoded.
    return dict(getattr(os.environ, "_data", os.environ))


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _is_installed(name: str) -> bool:
    """Is it no part of the standard library, whose modules leave each other alone?"""
    return name.partition(".")[0] not in sys.stdlib_module_names


class Roots:
    """What the user's own files ask for that is not theirs, in the order of their asking."""

    def __init__(self, user_code: UserCode, early: EarlyImports | None = None) -> None:
        """`early` were imported by the template that this process was forked from."""
        early = early or EarlyImports()
        self._user_code = user_code
        self._preloaded = PreloadedRoots(early)
        self._problem: str | None = None
        self._left_out = frozenset(early.left_out)
        self._new: str | None = None
        """The first that the user's files ask for and the template was not asked for."""
        self.looked_for = early.looked_for
        self.changes = UserChanges()
        self.asked_for: list[str] = []
        """Those that a template may import beforehand."""

    def hide(self) -> None:
        """Take the preloaded ones out of sight, before code of the user runs."""
        self._preloaded.hide()

    def is_shadowed(self, name: str, file: str) -> None:
        """A fresh process would import the user's `file` in place of an installed module."""
        self._problem = self._problem or f"{file} would be imported in place of {name}"

    def find(self, name: str) -> ModuleSpec | None:
        """Its spec if it is preloaded and was not asked for yet."""
        if name not in self._preloaded:
            return None
        problem = self._note(name, sys._getframe(2))
        if problem is None and self._new is not None and not is_ours(name):
            # They may know of each other: whatever one registers or patches, the other sees.
            problem = f"{self._new} is to be imported before {name}"
        self._problem = self._problem or problem
        return self._preloaded.take(name)

    def served_with(self, name: str) -> None:
        """A module of ours that this application needs, and what it imports: early next time."""
        self.asked_for.append(name)

    def asked(self, name: str) -> None:
        """A module that is not the user's is about to be imported."""
        frame = sys._getframe(2)
        self._note(name, frame)
        if name in self._left_out or name.startswith(_SET_UP):
            self.changes.other_import_begins()
        elif self._new is None and _is_installed(name) and self._is_user_code(frame):
            self._new = name

    def why_inexact(self, *, is_whole: bool = True) -> str | None:
        """What a cold start might have done otherwise, now that the import is over.

        One that is not `is_whole` has failed, and would not have asked for more.
        """
        never_asked = self._preloaded.never_asked()
        if is_whole and self._problem is None and never_asked:
            return f"{never_asked[0]} is not imported any more"
        return self._problem

    def _note(self, name: str, frame: FrameType | None) -> str | None:
        if not self._is_user_code(frame):
            return None
        problem = self.changes.problem_with(name)
        if problem is None:
            self.asked_for.append(name)
        return problem

    def _is_user_code(self, frame: FrameType | None) -> bool:
        """Whose code is it that imports?"""
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith(_IMPORT_SYSTEM):
                return self._user_code.contains(file)
            frame = frame.f_back
        return False
