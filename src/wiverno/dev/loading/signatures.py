"""The signature of a file: four numbers that differ whenever its content may differ."""

import os
from typing import TypeAlias

Signature: TypeAlias = tuple[int, int, int, int]
"""`(mtime_ns, size, inode, ctime_ns)`.

`ctime_ns` is what catches a tool that sets the old mtime back (`cp -p`, `rsync -t`);
the inode alone is no help, since two renames in a row use the same two numbers again.
"""

ABSENT: Signature = (0, -1, 0, 0)
"""The signature of a path where nothing can be read. No file has a negative size."""

UNLIKE_ANY: Signature = (0, -2, 0, 0)
"""A signature that differs from all that `read_signature` gives, today and later."""

LEFT: Signature = (0, -3, 0, 0)
"""In place of the signature of what has left the record for good."""


def signature_of(status: os.stat_result) -> Signature:
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)


def read_signature(path: str) -> Signature:
    """The signature of what `path` leads to now, following symbolic links."""
    try:
        return signature_of(os.stat(path))
    except (OSError, ValueError):
        return ABSENT
