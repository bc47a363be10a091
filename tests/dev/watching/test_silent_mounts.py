"""Real mounts that ring no events, in namespaces of their own, edited behind their backs."""

import shutil
from pathlib import Path

import pytest

from tests.dev.watching.conftest import ConfinedWatcher

pytestmark = pytest.mark.processes


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class Layers:
    """The directories of an overlay: `behind` is edited, `project` is where it shows."""

    def __init__(self, folder: Path) -> None:
        self.lower, self.behind = folder / "lower", folder / "upper"
        self.project = folder / "project"
        for name in ["lower", "upper", "work", "project"]:
            (folder / name).mkdir()
        options = f"lowerdir={self.lower},upperdir={self.behind},workdir={folder}/work"
        self.mount = f"mount -t overlay overlay -o {options},userxattr {self.project}"


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    layers = Layers(tmp_path)
    write(layers.behind / "app" / "views.py")
    write(layers.behind / "old.py")
    return layers


def test_overlay_edited_through_its_upper_directory_is_told(layers: Layers) -> None:
    with ConfinedWatcher(layers.project, layers.mount) as watcher:
        watcher.wait_until_ready()
        assert len(watcher.problems) == 1
        assert (
            "(overlay) that does not tell of every change: checked every 1 s"
            in (watcher.problems[0])
        )
        write(layers.behind / "app" / "views.py", "x = 22\n")
        watcher.wait_for("modified", layers.project / "app" / "views.py")
        write(layers.behind / "new" / "models.py")
        watcher.wait_for("created", layers.project / "new" / "models.py")
        (layers.behind / "old.py").unlink()
        # The kernel goes on answering for the name that it has seen: no deletion, but news.
        watcher.wait_for_path(layers.project / "old.py")


def test_overlay_edited_from_inside_rings_once(layers: Layers) -> None:
    with ConfinedWatcher(layers.project, layers.mount) as watcher:
        watcher.wait_until_ready()
        watcher.run(f"echo 'x = 22' > {layers.project}/app/views.py")
        # The next look at the tree finds this, and has nothing to say about the other file.
        write(layers.behind / "old.py", "x = 22\n")
        watcher.wait_for("modified", layers.project / "old.py")
        edited = ("modified", str(layers.project / "app" / "views.py"))
        assert edited in watcher.seen
        watcher.seen.clear()
        write(layers.behind / "old.py", "x = 333\n")
        watcher.wait_for("modified", layers.project / "old.py")
        assert edited not in watcher.seen


def test_fuse_mount_edited_behind_its_back_is_told(tmp_path: Path) -> None:
    if shutil.which("bindfs") is None:
        pytest.skip("not shown: there is no FUSE file system here (apt-get install bindfs)")
    behind, project = tmp_path / "behind", tmp_path / "project"
    write(behind / "app" / "views.py")
    project.mkdir()
    with ConfinedWatcher(project, f"bindfs {behind} {project}") as watcher:
        watcher.wait_until_ready()
        assert "(fuse" in watcher.problems[0]
        write(behind / "app" / "views.py", "x = 22\n")
        watcher.wait_for("modified", project / "app" / "views.py")
        write(behind / "new.py")
        watcher.wait_for("created", project / "new.py")
        (behind / "new.py").unlink()
        watcher.wait_for("deleted", project / "new.py")
        write(behind / "app" / "saved.tmp", "x = 4444\n").replace(behind / "app" / "views.py")
        watcher.wait_for("modified", project / "app" / "views.py")


def test_only_the_silent_mount_is_checked_and_a_later_one_is_noticed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "run.py")
    layers = Layers(project)
    with ConfinedWatcher(project, "true") as watcher:
        watcher.wait_until_ready()
        assert watcher.problems == []
        watcher.run(layers.mount)
        watcher.wait_for_problem("(overlay)")
        assert repr(str(layers.project)) in watcher.problems[0]
        write(project / "run.py", "x = 22\n")
        watcher.wait_for("modified", project / "run.py")
        write(layers.behind / "new.py")
        watcher.wait_for("created", layers.project / "new.py")


def test_a_mount_that_rings_is_watched_when_it_appears_later(tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    write(project / "app" / "old.py")
    write(other / "new.py")
    with ConfinedWatcher(project, "true") as watcher:
        watcher.wait_until_ready()
        watcher.run(f"mount --bind {other} {project}/app")
        watcher.wait_for("created", project / "app" / "new.py")
        write(other / "new.py", "x = 22\n")
        watcher.wait_for("modified", project / "app" / "new.py")
        watcher.run(f"umount {project}/app")
        watcher.wait_for("deleted", project / "app" / "new.py")
