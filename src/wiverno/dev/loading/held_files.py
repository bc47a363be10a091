"""Files of installed modules that a process holds, and which of them was written since.

What waits to be forked outlives them: a cold start would import what is there now. Their
entries in `site-packages` do not tell of a file that is edited in place.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator
from importlib.machinery import (
    ExtensionFileLoader,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import ModuleType

# The kernel's times of files step in ticks: up to 10 ms behind the clock.
_TICK_NS = 20_000_000
_FILE_LOADERS = (SourceFileLoader, ExtensionFileLoader, SourcelessFileLoader)


class HeldFiles:
    """Of one process, as far as it has told, with those of the process it was forked from."""

    def __init__(self, since_ns: int, inherited: "HeldFiles | None" = None) -> None:
        """`since_ns`: nothing was imported before this moment (`time.time_ns`)."""
        self._since_ns = since_ns
        self._inherited = inherited
        self._packed = b""

    def and_more(self, packed: bytes) -> "HeldFiles":
        """Those of a process that has imported these as well."""
        more = HeldFiles(self._since_ns, inherited=self)
        more.add(packed)
        return more

    def add(self, packed: bytes) -> None:
        """`packed` by `pack`: kept as it is, since most are never asked for."""
        self._packed = packed

    def first_written(self, left_out: Collection[str] = ()) -> str | None:
        """One that was written, replaced or removed since; some 3 us for each file."""
        # Whatever writes a file sets this time, which nobody can set back. One that lies
        # ahead of the clock is a strange clock's, and would be news for ever.
        earliest, latest = self._since_ns - _TICK_NS, time.time_ns() + _TICK_NS
        ignored = set(map(os.fsencode, left_out))
        for path in self._paths():
            if path in ignored:
                continue
            try:
                changed_ns = os.stat(path).st_ctime_ns
            except OSError:
                return os.fsdecode(path)
            if earliest <= changed_ns <= latest:
                return os.fsdecode(path)
        return None

    def _paths(self) -> Iterator[bytes]:
        if self._inherited is not None:
            yield from self._inherited._paths()
        if self._packed:
            yield from self._packed.split(b"\0")


def pack(paths: Iterable[str]) -> bytes:
    return b"\0".join(map(os.fsencode, paths))


def file_of(spec: ModuleSpec) -> str | None:
    """The file that the module comes from; None where it is part of an archive, or of none."""
    is_file = type(spec.loader) in _FILE_LOADERS and spec.has_location
    return spec.origin if is_file and isinstance(spec.origin, str) else None


def files_of(modules: Iterable[ModuleType]) -> list[str]:
    """The files of modules that have one."""
    specs = [getattr(module, "__spec__", None) for module in tuple(modules)]
    files = [file_of(spec) for spec in specs if isinstance(spec, ModuleSpec)]
    return [file for file in files if file is not None]
