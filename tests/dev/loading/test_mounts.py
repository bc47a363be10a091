from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.loading.mounts import MOUNTINFO as MOUNTINFO_FILE
from wiverno.dev.loading.mounts import (
    Mount,
    MountTable,
    parse_mountinfo,
    read_mounts,
)

MOUNTINFO = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
90 27 0:50 / /app rw,relatime shared:1 master:2 propagate_from:3 - virtiofs app rw
91 90 254:0 /vol /app/data rw,relatime - ext4 /dev/vda rw
92 27 0:51 / /mnt/my\040disk\134x rw - fuse.sshfs me@host:/a\040b rw
93 27 0:52 / /mnt/c rw - 9p C:\134 rw,aname=drvfs;path=C:\134
94 27 0:53 / /mnt/größe rw - cifs //host/x rw
95 27 8:1 / /mnt/stick rw - fuseblk /dev/sda1 rw
broken
96 27 0:54 / /twice rw - tmpfs none rw
97 96 0:55 / /twice rw - nfs4 host:/x rw
""".strip()

TABLE = MountTable(parse_mountinfo(MOUNTINFO))


@pytest.mark.parametrize(
    ("path", "point", "is_silent"),
    [
        ("/", "/", False),
        ("/application/a.py", "/", False),
        ("/app", "/app", True),
        ("/app/a.py", "/app", True),
        ("/app/data", "/app/data", False),
        ("/app/data/deep/a.py", "/app/data", False),
        ("/app/database/a.py", "/app", True),
        ("/mnt/my disk\\x/a.py", "/mnt/my disk\\x", True),
        ("/mnt/c/project/a.py", "/mnt/c", True),
        ("/mnt/größe/a.py", "/mnt/größe", True),
        ("/mnt/stick/a.py", "/mnt/stick", False),
        ("/twice/a.py", "/twice", True),
    ],
)
def test_mount_of_is_the_longest_point_above(path: str, point: str, is_silent: bool) -> None:
    mount = TABLE.mount_of(path)
    assert mount is not None
    assert mount.point == point
    assert TABLE.rings_no_events(path) is is_silent


def test_below_gives_inner_mounts_only() -> None:
    assert [mount.point for mount in TABLE.below("/app")] == ["/app/data"]
    assert [mount.point for mount in TABLE.below("/mnt/c/project")] == []
    assert "/" not in [mount.point for mount in TABLE.below("/")]


def test_mount_of_when_nothing_is_known_is_none_and_rings() -> None:
    assert MountTable().mount_of("/a/b") is None
    assert not MountTable().rings_no_events("/a/b")


@pytest.mark.parametrize(
    "mount_type",
    ["overlay", "fuse.grpcfuse", "fuse", "fuse.sshfs", "nfs", "cifs", "9p", "drvfs", "vboxsf"],
)
def test_rings_no_events_of_foreign_types(mount_type: str) -> None:
    assert Mount("/x", mount_type).rings_no_events


@pytest.mark.parametrize(
    "mount_type", ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "fuseblk", "fusectl"]
)
def test_rings_events_of_local_types(mount_type: str) -> None:
    assert not Mount("/x", mount_type).rings_no_events


def octal(text: str) -> str:
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in text)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"))
)
def test_parse_mountinfo_gives_back_any_point(name: str) -> None:
    line = f"1 2 3:4 / {octal('/' + name)} rw - nfs4 host:/ rw\n"
    assert parse_mountinfo(line) == [Mount("/" + name, "nfs4")]


@pytest.mark.skipif(not Path(MOUNTINFO_FILE).exists(), reason="no mountinfo here")
def test_rings_no_events_answers_for_what_is_mounted_here() -> None:
    table = read_mounts()
    mount = table.mount_of("/proc/self")
    assert mount is not None
    assert mount.type == "proc"
    assert not table.rings_no_events("/proc/self")
