"""Code objects of user modules, so that nothing is compiled twice: in memory and on disk.

An entry is found by path, content, interpreter and optimisation, never by a time: unlike a
`.pyc` it cannot be out of date. Processes that are forked inherit what is in memory.
"""

import contextlib
import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER

from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.segments import Segment, compile_segments
from wiverno.dev.loading.user_cache import prune, read_private, write_private

# Changes whenever segments are cut in another way.
_FORMAT = b"2"
_DIGEST_BYTES = 16
# Thousands of modules in several versions each; the oldest go first.
_LIMIT_BYTES = 64 * 1024 * 1024
# To look at thousands of files takes longer than a restart: after one save in so many.
_PRUNED_EVERY = 16


class CodeCache:
    """Gives the segments of a source. What it had to compile is written by `save`."""

    def __init__(self, directory: str | None = None) -> None:
        """Without `directory` there is only what is in memory."""
        self._directory = directory
        self._known: dict[bytes, tuple[Segment, ...]] = {}
        self._unsaved: dict[bytes, tuple[Segment, ...]] = {}

    def segments(self, source: bytes, path: str) -> tuple[Segment, ...]:
        """Compiled now, or before. Raises what `compile` raises."""
        key = _key(source, path)
        segments = self._known.get(key) or self._read(key)
        if segments is None:
            segments = self._unsaved[key] = compile_segments(source, path)
        self._known[key] = segments
        return segments

    def save(self) -> None:
        """Write what is not on disk yet. A cache that cannot be written is none."""
        unsaved, self._unsaved = self._unsaved, {}
        if self._directory is None or not unsaved:
            return
        with contextlib.suppress(OSError):
            for key, segments in unsaved.items():
                self._write(key, segments)
            if any(key[0] % _PRUNED_EVERY == 0 for key in unsaved):
                prune(self._directory, _LIMIT_BYTES)

    def leave_to_parent(self) -> None:
        """In a child that goes on with another build: it saves what it compiles itself."""
        self._unsaved = {}

    def _read(self, key: bytes) -> tuple[Segment, ...] | None:
        if self._directory is None:
            return None
        content = read_private(os.path.join(self._directory, key.hex()))
        if content is None:
            return None
        payload = content[_DIGEST_BYTES:]
        # Marshal may crash on what is not its own: a file cut by a full disk, or bent.
        if digest_bytes(payload, _DIGEST_BYTES) != content[:_DIGEST_BYTES]:
            return None
        return tuple(Segment(*each) for each in marshal.loads(payload))

    def _write(self, key: bytes, segments: tuple[Segment, ...]) -> None:
        assert self._directory is not None  # `save` looked
        path = os.path.join(self._directory, key.hex())
        payload = marshal.dumps([(each.code, each.end, each.imports) for each in segments])
        write_private(path, digest_bytes(payload, _DIGEST_BYTES) + payload)


def _key(source: bytes, path: str) -> bytes:
    what = (_FORMAT, MAGIC_NUMBER, str(sys.flags.optimize).encode(), os.fsencode(path))
    return digest_bytes(b"\0".join((*what, source)), _DIGEST_BYTES)
