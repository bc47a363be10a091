"""Compares bytes where signatures cannot tell: files just written, and files just touched.

Runs in every process that asks a gate or follows a record; it imports nothing of the
user's, it only reads.
"""

import os
import stat
import struct
import time
from collections.abc import Callable, Sequence

from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, Signature, signature_of

# Kernels before 6.13 step the times of files in ticks, of 10 ms at most.
_RACY_NS = 20_000_000
_RACY_S = _RACY_NS / 1e9
# The 32 bytes of a digest in the place of a signature.
_DIGEST = struct.Struct("<qqQq")


def digest_of(content: bytes) -> Signature:
    """BLAKE2b as four numbers, so that it takes a signature's place in the record."""
    first, second, third, fourth = _DIGEST.unpack(digest_bytes(content, 32))
    return first, second, third, fourth


def digest_bytes(content: bytes, size: int) -> bytes:
    """BLAKE2b of so many bytes."""
    # `hashlib` would load OpenSSL, some milliseconds at each restart.
    try:
        from _blake2 import blake2b
    except ImportError:  # An interpreter that is built otherwise.
        from hashlib import blake2b
    return blake2b(content, digest_size=size).digest()


def is_racy(signature: Signature, now_ns: int) -> bool:
    """May a write after `now_ns` (wall clock) leave this signature as it is?"""
    mtime_ns, _, _, ctime_ns = signature
    return signature != ABSENT and now_ns - max(mtime_ns, ctime_ns) < _RACY_NS


def adopt_same_content(
    record: Record, path: str, clock_ns: Callable[[], int] = time.time_ns
) -> bool:
    """Whether `path` holds the bytes that were loaded; its signature counts from then on.

    For a module whose signature differs. False also where the bytes were never seen: of
    extension modules, archives, and what loaders of the application read.
    """
    module, loaded = record.get(path), record.content(path)
    if module is None or loaded is None or UNLIKE_ANY in (module.signature, loaded):
        return False
    read = read_signed(path, module.signature[1])
    if read is None or digest_of(read[1]) != loaded:
        return False
    signature = read[0]
    if is_racy(signature, clock_ns()):
        record.add(EntryKind.RACY, path, signature)
    record.add(EntryKind.ADOPTED, path, signature)
    # Unless another thread has loaded it again meanwhile, and found other bytes.
    adopted = record.get(path)
    return adopted is not None and adopted.signature == signature


def read_signed(path: str, size: int) -> tuple[Signature, bytes] | None:
    """Signature and content, in this order; None unless it is a regular file of `size` bytes."""
    try:
        # Whoever put a FIFO there would stop this process for good.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return None
        try:
            return signature_of(status), file.read()
        except OSError:
            return None


class RacyFiles:
    """Compares the bytes of racy files until they have aged, and then once more.

    A write that leaves the signature as it is comes in the same tick as the one before,
    which was over when the file was read: after 20 ms there is none, whatever the clock of
    the file system says.
    """

    def __init__(self, record: Record, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._clock_s = clock_s
        self._known: dict[str, Signature] = {}
        self._ages_at: dict[str, float] = {}

    def learn(self, entries: Sequence[Entry]) -> None:
        for _, path, signature in entries:
            if self._known.get(path) != signature:
                self._known[path] = signature
                self._ages_at[path] = self._clock_s() + _RACY_S

    def first_difference(self) -> str | None:
        """A file with its recorded signature and other bytes."""
        for path, ages_at in tuple(self._ages_at.items()):
            now = self._clock_s()
            if self._is_recorded(path) and not self._holds_loaded_bytes(path):
                return path
            if now >= ages_at:
                del self._ages_at[path]
        return None

    def _is_recorded(self, path: str) -> bool:
        kinds = (EntryKind.MODULE, EntryKind.DATA)
        entries = (self._record.get(path, kind) for kind in kinds)
        return any(entry and entry.signature == self._known[path] for entry in entries)

    def _holds_loaded_bytes(self, path: str) -> bool:
        read = read_signed(path, self._known[path][1])
        return read is not None and digest_of(read[1]) == self._record.content(path)
