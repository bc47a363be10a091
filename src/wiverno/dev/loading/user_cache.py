"""Where files lie that make the next session faster, and whom they may come from."""

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path


def cache_directory() -> str | None:
    """Where the user's caches are (XDG Base Directory Specification), with ours in it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(home, "wiverno") if os.path.isabs(home) else None


def read_private(path: str) -> bytes | None:
    """The content of a file that only this user may have written; None where there is none.

    What somebody else could have written is not taken: it may be code.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            is_ours = status.st_uid == os.geteuid()
            if not is_ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            return file.read()
    except OSError:
        return None


def write_private(path: str, content: bytes) -> None:
    """Replace the file as a whole. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    own = f"{path}.{os.getpid()}.{threading.get_ident()}"
    try:
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        os.replace(own, path)
    except BaseException:
        Path(own).unlink(missing_ok=True)
        raise


def prune(directory: str, limit_bytes: int) -> None:
    """Remove the files that were not written for the longest time, beyond the limit."""
    files = []
    for entry in _files_in(directory):
        # Another process may prune at the same time.
        with contextlib.suppress(OSError):
            status = entry.stat()
            files.append((status.st_mtime_ns, status.st_size, entry.path))
    room = limit_bytes
    for _, size, path in sorted(files, reverse=True):
        room -= size
        if room < 0:
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)


def _files_in(directory: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield entry
