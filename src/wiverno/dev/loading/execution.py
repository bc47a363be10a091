"""Executes user modules segment by segment, and knows which are under way.

Between segments, and before a module is read, it reaches a point at which somebody may fork
this process: the parent stays there, and each child that is made of it later goes on from
there as another process, with files that may differ below what was executed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wiverno.dev.decisions.placement import Place
from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.search import absolute
from wiverno.dev.loading.segments import PrefixChangedError, Segment, compile_rest

_COMPILE_ERRORS = (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError)
_LAST = "_call_with_frames_removed"


@dataclass(frozen=True, slots=True)
class Point:
    """Where the process may be forked."""

    path: str
    """The file that the place is about."""
    place: Place
    is_entry: bool
    """Is it the outermost module under way?"""


@dataclass(slots=True)
class Running:
    """A module under way."""

    path: str
    source: bytes = b""
    end: int = 0
    """So many bytes of `source` are executed, or being so; 0 before it is read."""
    left: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unfit:
    """A module under way that cannot go on as it is on disk now."""

    path: str
    has_changed: bool
    """What was executed of it, in its bytes or their meaning. Else it is broken."""

    @property
    def why(self) -> str:
        if self.has_changed:
            return f"what was executed of {self.path} has changed"
        return f"{self.path} cannot be compiled"


class Execution:
    """The modules of one import of an application, with the stack of those under way."""

    def __init__(self, read: Callable[[str], bytes], cache: CodeCache) -> None:
        """`read` gives the bytes of a file, after its signature was recorded."""
        self._read = read
        self._cache = cache
        self._stack: list[Running] = []
        self._ended: set[str] = set()
        """Files whose execution was over once, well or not."""
        self.on_point: Callable[[Point], None] = lambda point: None
        self.before_other_code: Callable[[], Any] = lambda: None
        """Called before a segment that does more than import; its result goes to the next."""
        self.after_other_code: Callable[[Any], None] = lambda before: None

    @property
    def under_way(self) -> tuple[Running, ...]:
        """Outermost first."""
        return tuple(self._stack)

    def run(self, path: str, namespace: dict[str, Any]) -> None:
        """Execute the file in the namespace of its module."""
        running = Running(path)
        self._stack.append(running)
        try:
            self._reach(path, Place.BEFORE)
            running.source = self._read(path)
            running.left = list(_compile(self._cache, running.source, path))
            while running.left:
                segment = running.left.pop(0)
                running.end = segment.end
                self._execute(segment, namespace)
                if segment.imports:
                    self._reach(path, Place.BEHIND_IMPORTS)
        finally:
            self._stack.pop()
            self._ended.add(path)

    def go_on_elsewhere(self) -> "Unfit | None":
        """In a process that was forked in a point: take the modules under way as they are now.

        Says why that is no longer possible: what was executed of one has changed, or its rest
        cannot be compiled, which a cold start would say before it executes anything.
        """
        for running in self._stack:
            if not running.end:
                continue  # It is about to be read.
            source = self._read(running.path)
            if source == running.source:
                continue
            try:
                rest = compile_rest(source, running.path, running.source, running.end)
            except PrefixChangedError:
                return Unfit(running.path, has_changed=True)
            except _COMPILE_ERRORS:
                return Unfit(running.path, has_changed=False)
            running.source, running.left = source, list(rest)
        return None

    def _reach(self, path: str, place: Place) -> None:
        if any(running.path in self._ended for running in self._stack):
            # Executed again (its first import failed and somebody has caught that): what the
            # process depends on is more than the leading part.
            return
        is_entry = len(self._stack) == 1
        self.on_point(Point(absolute(path), place, is_entry))

    def _execute(self, segment: Segment, namespace: dict[str, Any]) -> None:
        if segment.imports:
            _call_with_frames_removed(exec, segment.code, namespace)
            return
        before = self.before_other_code()
        _call_with_frames_removed(exec, segment.code, namespace)
        self.after_other_code(before)


def _call_with_frames_removed(function: Callable[..., Any], *arguments: Any) -> None:
    """The name tells the interpreter where the import system's frames end."""
    function(*arguments)


def _compile(cache: CodeCache, source: bytes, path: str) -> tuple[Segment, ...]:
    """The segments. A SyntaxError leaves here without the frames of the compiler."""
    try:
        return cache.segments(source, path)
    except _COMPILE_ERRORS as error:
        raise error.with_traceback(None)  # noqa: B904 - it is the same one


def hide_from_tracebacks(function: Any, *, is_last: bool = False) -> None:
    """Let the frames of `function` be removed from tracebacks, as importlib's own are.

    The interpreter removes a chain of them that ends in `_call_with_frames_removed`
    (import.c, remove_importlib_frames): an error of user code looks as without us. `is_last`
    gives that name to a function that raises errors itself.
    """
    code = function.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    function.__code__ = code.replace(co_name=_LAST) if is_last else code


for _function in (_call_with_frames_removed, Execution.run, Execution._execute):
    hide_from_tracebacks(_function)
hide_from_tracebacks(_compile, is_last=True)
