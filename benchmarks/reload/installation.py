"""The environment of their own in which all servers are installed, wiverno among them."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.reload.peers import PEERS, Peer, wiverno_peers

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
PINNED = Path(__file__).with_name("requirements.txt")
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "sqlalchemy", "flask")

VERSIONS = """\
import importlib.metadata, json, platform
found = {d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
print(json.dumps({"python": platform.python_version(), **found}))
"""


def install(environment: Path, python: str = sys.executable) -> dict[str, str]:
    """Peer → why it could not be installed. What the projects import must install."""
    # Cleared: it may have been made for another Python.
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    problem = pip_install(environment, [*LIBRARIES, "--editable", str(ROOT)])
    if problem is not None:
        raise SystemExit(f"The libraries of the projects cannot be installed: {problem}")
    problems = {}
    for peer in PEERS:
        print(f"{peer.name} ...", flush=True)
        problem = pip_install(environment, peer.requirements)
        if problem is not None:
            problems[peer.name] = f"needs {peer.needs}: {problem}" if peer.needs else problem
    failures_file(environment).write_text(json.dumps(problems))
    return problems


def pip_install(environment: Path, requirements: Iterable[str]) -> str | None:
    """None, or the last error that pip tells."""
    python = str(environment / "bin" / "python")
    done = subprocess.run(
        [
            *(python, "-m", "pip", "--quiet", "--disable-pip-version-check"),
            *("install", "--constraint", str(PINNED), *requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR: ").rstrip(".") if errors else done.stderr[-200:]


def failures_file(environment: Path) -> Path:
    return environment / "not-installed.json"


def installed_versions(environment: Path) -> dict[str, str]:
    """Distribution → version, and `python`."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"No peers in '{environment}'. First: python -m benchmarks.reload install")
    text = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(text.stdout)
    return versions


def all_peers(environment: Path) -> tuple[Peer, ...]:
    """wiverno with each of its strategies, then the others."""
    python = environment / "bin" / "python"
    text = subprocess.run(
        [python, "-m", "wiverno", "run", "dev", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    return (*wiverno_peers(text.stdout), *PEERS)


def why_absent(peer: Peer, versions: Mapping[str, str], environment: Path) -> str | None:
    """None for a peer that is installed."""
    missing = [name for name in peer.requirements if name not in versions]
    if not missing:
        return None
    told = failures_file(environment)
    problems: dict[str, str] = json.loads(told.read_text()) if told.exists() else {}
    return f"Not installed: {problems.get(peer.name, ', '.join(missing))}"
