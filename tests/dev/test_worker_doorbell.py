"""The doorbell in a real worker: hung after a few requests, with every file of the record."""

from pathlib import Path

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession, wait_until

pytestmark = pytest.mark.processes


def watched_inodes(pid: int) -> set[int]:
    """By all inotify instances of a process; `fdinfo` has a line with the inode for each."""
    lines: list[str] = []
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines += info.read_text().splitlines()
    fields = [line.split() for line in lines if line.startswith("inotify ")]
    return {int(field.removeprefix("ino:"), 16) for _, _, field, *_ in fields}


@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="Linux tells this only")
def test_worker_watches_its_files_after_some_requests(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    with DevSession(project) as session:
        pid = session.wait_until_serving()["pid"]
        watched_at_first = watched_inodes(pid)
        for _ in range(4):
            session.get()
        wanted = {path.stat().st_ino for path in (project, project / "app.py")}
        # In a thread of its own: no request waits for that.
        wait_until(lambda: wanted <= watched_inodes(pid), "it watches nothing")
        session.save("app.py", VERSIONED_APP.format(version=2))

        assert watched_at_first == set()
        assert int(session.get().body) == 2
