"""Files that are served: found from text that a stranger wrote, opened so that nothing waits.

What a response says about them is in core.responses.
"""

import errno
import mimetypes
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wiverno.core.http.dates import LAST_SECOND, format_date

# Errors that say "there is no such file for you". Others, such as too many open files, are the
# server's own trouble and must not look like a missing page.
_ABSENCES = frozenset(
    {
        errno.EACCES,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EPERM,
    }
)
# PATH_MAX of Linux in bytes, and no system of ours opens more. `realpath` takes the square of it.
_MOST_CHARACTERS = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")
# Types that a page breaks without, whatever the system's tables say or lack.
_WEB_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
# What is packed is sent as it is, so it has the type of the package.
_PACKED_TYPES = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, open for reading, and what was true of it when it was opened."""

    file: BinaryIO
    size_bytes: int
    modified_ns: int

    @property
    def etag(self) -> str:
        """Another one after each change that changes time or size."""
        return f'"{self.modified_ns:x}-{self.size_bytes:x}"'

    @property
    def last_modified(self) -> str | None:
        """For the header. RFC 9110 8.8.2.1: never later than now."""
        modified = self.modified_ns // 1_000_000_000
        if not 0 <= modified <= min(int(time.time()), LAST_SECOND):
            return None
        return format_date(modified)


def open_regular(path: str | os.PathLike[str], *, follow_last: bool = True) -> OpenFile:
    """Open a regular file without ever waiting for it.

    Raises `FileNotFoundError` for all that cannot be served: nothing there, a directory, a
    pipe, a device, no permission, a name that no file can have. `follow_last=False`: nor
    where the last part of `path` is a symbolic link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if not follow_last:
        flags |= os.O_NOFOLLOW
    try:
        # Before it is opened, since opening a device can do something.
        _require_regular(Path(path).stat(), path)
        descriptor = os.open(path, flags)
    except ValueError as error:  # NUL, or half of a character.
        raise _absent(path) from error
    except OSError as error:
        if error.errno in _ABSENCES:
            raise _absent(path) from error
        raise
    return _opened(descriptor, path)


def safe_join(root: str | os.PathLike[str], text: str) -> Path | None:
    """The path of `text` below `root`, or None if it leads elsewhere or is spelled oddly.

    `text` is untrusted: names with `/` between them, decoded once. `..`, `.`, empty names, an
    absolute path, a backslash, a drive or a control character give None, so that one file has
    one spelling; so does a symbolic link that leads out of `root`. The path that comes back
    holds no symbolic link. Whether a file is there is another question.
    """
    if len(text) > _MOST_CHARACTERS:
        return None
    if "\\" in text or _CONTROL.search(text) or _DRIVE.match(text):
        return None
    if any(name in ("", ".", "..") for name in text.split("/")):
        return None
    try:
        # realpath and not Path.resolve, which raises RuntimeError for links in a circle.
        base = os.path.realpath(root)
        found = os.path.realpath(Path(base, text))
    except (OSError, ValueError):  # Too long, or half of a character.
        return None
    is_inside = found.startswith(base if base.endswith(os.sep) else base + os.sep)
    return Path(found) if is_inside else None


def is_hidden(text: str) -> bool:
    """Whether a name in the path begins with a dot, as those do that are not for strangers.

    `.git` and `.env` do. So does `.well-known`, which is for strangers (RFC 8615).
    """
    return any(name[:1] == "." and name != ".well-known" for name in text.split("/"))


def media_type(name: str) -> str:
    """The Content-Type for a file of this name: UTF-8 for text, bytes where nothing is known.

    >>> media_type("notes.txt"), media_type("backup.tar.gz")
    ('text/plain; charset=utf-8', 'application/gzip')
    """
    guessed, packing = mimetypes.guess_type(f"/{Path(name).name}")
    if packing is not None:
        return _PACKED_TYPES.get(packing, _UNKNOWN_TYPE)
    found = _WEB_TYPES.get(Path(name).suffix.lower()) or guessed or _UNKNOWN_TYPE
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _opened(descriptor: int, path: str | os.PathLike[str]) -> OpenFile:
    try:
        status = os.fstat(descriptor)
        _require_regular(status, path)
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    return OpenFile(file, status.st_size, status.st_mtime_ns)


def _require_regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _absent(path)


def _absent(path: str | os.PathLike[str]) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "There is no regular file to serve", os.fspath(path))
