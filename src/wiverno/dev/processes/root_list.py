"""What a project's template imports beforehand, kept for its next session.

A list that is lost, torn or written by a later version is only a list that is learned anew.
"""

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.user_cache import prune, read_private, write_private
from wiverno.dev.processes.messages import RefusedRoot

# Changes whenever what is refused is judged by other rules.
_FORMAT = 1
# A few thousand projects.
_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class KnownRoots:
    """Modules that the user's files ask for, in this order, and those that must not be early."""

    roots: tuple[str, ...] = ()
    refused: tuple[RefusedRoot, ...] = ()


class RootList:
    """The file of one project, for one interpreter."""

    def __init__(self, cache_directory: str | None, project: str, target: str) -> None:
        """`project` is the folder where the session runs. Without a directory nothing is kept."""
        self._path: str | None = None
        if cache_directory is not None:
            what = json.dumps([_FORMAT, project, target, sys.executable, sys.version])
            key = digest_bytes(what.encode(errors="surrogatepass"), 16).hex()
            self._path = os.path.join(cache_directory, "roots", key + ".json")

    def read(self, installation: str) -> KnownRoots:
        """What was written last, if it was for the same installation."""
        content = None if self._path is None else read_private(self._path)
        if content is None:
            return KnownRoots()
        try:
            values = json.loads(content)
            if values["installation"] != installation:
                return KnownRoots()
            refused = tuple(RefusedRoot(_text(name), _text(why)) for name, why in values["refused"])
            return KnownRoots(tuple(map(_text, values["roots"])), refused)
        except (ValueError, TypeError, KeyError, RecursionError):
            return KnownRoots()

    def write(self, installation: str, known: KnownRoots) -> None:
        """Keep it; where that cannot be, the next session learns it anew."""
        if self._path is None:
            return
        values = {
            "installation": installation,
            "roots": known.roots,
            "refused": [(each.name, each.reason) for each in known.refused if each.is_lasting],
        }
        with contextlib.suppress(OSError):
            write_private(self._path, json.dumps(values).encode())
            prune(os.path.dirname(self._path), _LIMIT_BYTES)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
