"""Mounts whose files may change without an inotify event, told from `/proc/self/mountinfo`.

Stands on the standard library alone, so that whoever must know may ask: a file on such a
mount is swept on every request, a directory on one is looked at regularly.
"""

import os
import re
import select
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

# Another kernel, or the layer below, changes these; ours is never told. `fuseblk` is not
# here: it is a local disk (ntfs-3g), and whatever changes on it came through our kernel.
SILENT_TYPES = frozenset(
    {
        # Other machines.
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "coda", "lustre"),
        *("gfs2", "ocfs2", "orangefs", "pvfs2"),
        # The host of a virtual machine or of Docker Desktop.
        *("9p", "drvfs", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "fakeowner"),
        # A program that answers. With a name (`fuse.sshfs`) see `rings_no_events`.
        "fuse",
        # Layers: a change of the upper or lower directory itself rings nowhere.
        *("overlay", "overlayfs", "aufs", "ecryptfs"),
    }
)

_OCTAL_ESCAPE = re.compile(r"\\([01][0-7]{2})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system: where, and of which type (`ext4`, `overlay`, `fuse.sshfs`)."""

    point: str
    type: str

    @property
    def rings_no_events(self) -> bool:
        """Whether files on it may change without an event."""
        return self.type in SILENT_TYPES or self.type.startswith("fuse.")


class MountTable:
    """What is mounted where. Pure: made from mounts, asked with absolute, resolved paths.

    >>> table = MountTable([Mount("/", "ext4"), Mount("/app", "virtiofs")])
    >>> table.rings_no_events("/app/views.py"), table.rings_no_events("/apple.py")
    (True, False)
    """

    def __init__(self, mounts: Iterable[Mount] = ()) -> None:
        # Of two at the same point the later one hides the earlier.
        self._mounts = {mount.point: mount for mount in mounts}
        self._of_directory: dict[str, Mount | None] = {}

    def mount_of(self, path: str) -> Mount | None:
        """The mount that the path lies on, by the longest mount point; None if unknown."""
        mount = self._mounts.get(path)
        return mount if mount is not None else self._mount_of_directory(_parent_of(path))

    def rings_no_events(self, path: str) -> bool:
        """Whether the file or directory may change without an event."""
        mount = self.mount_of(path)
        return mount is not None and mount.rings_no_events

    def below(self, directory: str) -> tuple[Mount, ...]:
        """The mounts at points below the directory, without the one that it lies on."""
        prefix = directory.rstrip("/") + "/"
        return tuple(
            mount
            for point, mount in sorted(self._mounts.items())
            if point.startswith(prefix) and point != directory
        )

    def _mount_of_directory(self, directory: str) -> Mount | None:
        if directory not in self._of_directory:
            self._of_directory[directory] = next(
                (self._mounts[point] for point in _upwards(directory) if point in self._mounts),
                None,
            )
        return self._of_directory[directory]


def _upwards(directory: str) -> Iterable[str]:
    while True:
        yield directory
        if (parent := _parent_of(directory)) == directory:
            return
        directory = parent


def _parent_of(path: str) -> str:
    return os.path.split(path)[0]


def parse_mountinfo(text: str) -> list[Mount]:
    """The mounts in the text of a `mountinfo` file (proc_pid_mountinfo(5)), in its order."""
    mounts = []
    for line in text.splitlines():
        # Any number of optional fields stands before the dash; the type comes after it.
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) > 4:
            mounts.append(Mount(_unescape(fields[4]), _unescape(after.split(" ")[0])))
    return mounts


def _unescape(field: str) -> str:
    return _OCTAL_ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)


def read_mounts() -> MountTable:
    """What is mounted now. Where there is no mountinfo (macOS) nothing is known: empty."""
    try:
        return MountTable(parse_mountinfo(os.fsdecode(MOUNTINFO.read_bytes())))
    except OSError:
        return MountTable()


_known: MountTable | None = None


def rings_no_events(path: str, *, refresh: bool = False) -> bool:
    """Whether the file at this absolute, resolved path may change without an inotify event.

    Reads the mounts once, then answers from memory in about a microsecond. `refresh` reads
    them again: after something was mounted, or when a `MountBell` rang.
    """
    global _known
    if _known is None or refresh:
        _known = read_mounts()
    return _known.rings_no_events(path)


class MountBell:
    """Tells, for the price of one `poll`, whether anything was mounted or unmounted."""

    def __init__(self) -> None:
        self._fd: int | None = None
        try:
            self._fd = os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # No mountinfo here: it never rings.
            return
        self._poll = select.poll()
        # Every change of the namespace's mounts is an "error" of the open file, once.
        self._poll.register(self._fd, select.POLLERR | select.POLLPRI)

    def has_rung(self) -> bool:
        """Whether the mounts changed since the last call, or since this bell was made."""
        return self._fd is not None and bool(self._poll.poll(0))

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
