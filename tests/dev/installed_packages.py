"""Packages that are installed beside the real ones, for the sessions of a test."""

import os
from collections.abc import Mapping
from pathlib import Path


class SiteDirectory:
    """A `site-packages` of its own, in front of the others on the path of a session."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "site-packages"
        self.path.mkdir()
        paths = [str(self.path), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment: Mapping[str, str] = {
            "PYTHONPATH": os.pathsep.join(paths),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def install(self, name: str, source: str, version: str = "1.0") -> None:
        """As pip does it: the files of a version before are removed first."""
        for old in self.path.glob(f"{name}-*.dist-info"):
            (old / "METADATA").unlink()
            old.rmdir()
        module = self.path / f"{name}.py"
        module.unlink(missing_ok=True)
        module.write_text(source)
        information = self.path / f"{name}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")

    def write(self, path: str, source: str) -> None:
        """One file of a package."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
