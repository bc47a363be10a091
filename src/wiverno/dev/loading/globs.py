"""The folders whose names decide what a glob finds.

`glob` and `pathlib` ask by `exists` for what a pattern names without a wildcard, which raises
no audit event: whether `plugins` is there in `plugins/*.py`, and `urls.py` in `*/urls.py`.
"""

import os
from collections.abc import Iterator

# A pattern with a wildcard near the root of a large tree is not worth more.
_LIMIT = 1_000
_WILDCARDS = frozenset("*?[")


def folders_of(base: str, pattern: str) -> Iterator[str]:
    """Those that `pattern` leads to below `base`, absent ones too, one level after the other.

    None of what comes after `**`: every folder there is listed in any case.
    """
    parts = [part for part in pattern.split(os.sep) if part not in ("", os.curdir)]
    depth = 0
    while depth < len(parts) - 1 and _WILDCARDS.isdisjoint(parts[depth]):
        depth += 1
    folders = [os.path.join("/" if pattern.startswith("/") else base, *parts[:depth])]
    for part in parts[depth:]:
        yield from folders
        if part == "**":
            return
        folders = [below for folder in folders for below in _below(folder, part)][:_LIMIT]


def _below(folder: str, part: str) -> Iterator[str]:
    if _WILDCARDS.isdisjoint(part):
        yield os.path.join(folder, part)
        return
    # Whoever is here has imported it: `glob` and `pathlib` do.
    import fnmatch

    try:
        entries = list(os.scandir(folder))
    except OSError:  # Absent, or a file.
        return
    matching = set(fnmatch.filter([entry.name for entry in entries], part))
    yield from (entry.path for entry in entries if entry.name in matching and entry.is_dir())
