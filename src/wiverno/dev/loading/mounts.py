"""Mounts whose files may change without an inotify event, told from `/proc/self/mountinfo`.

Stands on the standard library alone, so that whoever must know may ask: a file on such a
mount is swept on every request, a directory on one is looked at regularly.
"""

import ctypes
import os
import re
import select
from collections.abc import Iterable
from dataclasses import dataclass

from wiverno.dev.loading.own_descriptor import OwnDescriptor

MOUNTINFO = "/proc/self/mountinfo"

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
        with open(MOUNTINFO, "rb") as file:
            return MountTable(parse_mountinfo(os.fsdecode(file.read())))
    except OSError:
        return MountTable()


class _PollFd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


class MountBell:
    """Tells, for the price of one `poll`, whether anything was mounted or unmounted."""

    def __init__(self) -> None:
        self._descriptor: OwnDescriptor | None = None
        try:
            self._descriptor = OwnDescriptor(os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:  # No mountinfo here: it never rings.
            return
        # Every change of the namespace's mounts is an "error" of the open file, once.
        events = select.POLLERR | select.POLLPRI
        place = ctypes.byref(_PollFd(self._descriptor.fd, events, 0))
        # Called with the GIL held, since the gate asks for each request (see `sweep`).
        self._poll = ctypes.PyDLL(None).poll
        self._arguments = (place, ctypes.c_ulong(1), ctypes.c_int(0))

    def has_rung(self) -> bool:
        """Whether the mounts changed since the last call, or since this bell was made."""
        return self._descriptor is not None and bool(self._poll(*self._arguments))

    def is_working(self) -> bool:
        """Whether `has_rung` could tell. Ask after it: see `OwnDescriptor.is_ours`."""
        return self._descriptor is not None and self._descriptor.is_ours()

    def close(self) -> None:
        if self._descriptor is not None:
            self._descriptor.close()
            self._descriptor = None
