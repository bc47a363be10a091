"""Virtual environments of their own for the servers that are compared."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

VERSIONS = """\
import importlib.metadata, json, platform
found = {d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
print(json.dumps({"python": platform.python_version(), **found}))
"""


def pip_install(environment: Path, requirements: Iterable[str], pinned: Path) -> str | None:
    """None, or the last error that pip tells."""
    python = str(environment / "bin" / "python")
    done = subprocess.run(
        [
            *(python, "-m", "pip", "--quiet", "--disable-pip-version-check"),
            *("install", "--constraint", str(pinned), *requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR: ").rstrip(".") if errors else done.stderr[-200:]


def installed_versions(environment: Path) -> dict[str, str]:
    """Distribution → version, and `python`."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"No servers in '{environment}'. First: the command `install`.")
    text = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(text.stdout)
    return versions
