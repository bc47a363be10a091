"""Compiles user code from its source, always.

CPython accepts a cached `.pyc` by whole-second mtime and size, and so runs old code
after two quick saves of the same length (python/cpython#75953). For user code nothing
here reads or writes `__pycache__`.
"""

import os
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType

from wiverno.dev.loading.contents import digest_of, is_racy
from wiverno.dev.loading.execution import Execution, hide_from_tracebacks
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.search import absolute
from wiverno.dev.loading.signatures import read_signature, signature_of
from wiverno.dev.loading.sources import Sources, decode


class RecordedSources:
    """Reads source files: first their signature is recorded, then their bytes are kept."""

    def __init__(self, record: Record, sources: Sources | None = None) -> None:
        self._record = record
        self.sources = sources or Sources()

    def read(self, path: str) -> bytes:
        source = read_recorded(path, self._record)
        self.sources.add(path, source)
        return source


class RecordingLoader(SourceFileLoader):
    """Loads one source file; its signature is in the record before its first byte is read."""

    def __init__(
        self, fullname: str, path: str, sources: RecordedSources, execution: Execution
    ) -> None:
        super().__init__(fullname, path)
        self._sources = sources
        self._execution = execution

    def exec_module(self, module: ModuleType) -> None:
        self._execution.run(self.get_filename(module.__name__), module.__dict__)

    def get_code(self, fullname: str) -> CodeType:
        """The whole, for those who ask for it (`runpy`); a module is executed in segments."""
        path = self.get_filename(fullname)
        return compile_source(self._sources.read(path), path)

    def get_source(self, fullname: str) -> str | None:
        """What was loaded, whatever the file holds by now."""
        loaded = self._sources.sources.loaded.get(self.get_filename(fullname))
        return super().get_source(fullname) if loaded is None else decode(loaded)


def compile_source(source: bytes, path: str) -> CodeType:
    """A module in one piece."""
    code = compile(source, path, "exec", dont_inherit=True)
    assert isinstance(code, CodeType)  # narrows the overload, checks no input
    return code


def read_recorded(path: str, record: Record, clock_ns: Callable[[], int] = time.time_ns) -> bytes:
    """Read `path`, after its signature was recorded: a write in between makes it stale.

    A file that cannot be opened is recorded as well, absent or as it is: its return, or
    other permissions, make the record stale. `clock_ns` is the wall clock.
    """
    recorded_path = absolute(path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        record.add(EntryKind.MODULE, recorded_path, read_signature(path))
        raise
    with open(fd, "rb") as file:
        signature = signature_of(os.fstat(fd))
        is_young = is_racy(signature, clock_ns())
        record.add(EntryKind.MODULE, recorded_path, signature)
        source = file.read()
    record.add(EntryKind.CONTENT, recorded_path, digest_of(source))
    if is_young:
        record.add(EntryKind.RACY, recorded_path, signature)
    return source


hide_from_tracebacks(RecordingLoader.exec_module)
