"""The environment of their own in which all servers are installed, wiverno among them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.environment import pip_install
from benchmarks.reload.peers import PEERS, Peer, wiverno_peers

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
PINNED = Path(__file__).with_name("requirements.txt")
LIBRARIES = (
    *("numpy", "pandas", "scikit-learn", "scipy", "sqlalchemy"),
    *("flask", "fastapi", "django"),
)


def install(environment: Path, python: str = sys.executable) -> dict[str, str]:
    """Peer → why it could not be installed. What the projects import must install."""
    # Cleared: it may have been made for another Python.
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    problem = pip_install(environment, [*LIBRARIES, "--editable", f"{ROOT}[asgi]"], PINNED)
    if problem is not None:
        raise SystemExit(f"The libraries of the projects cannot be installed: {problem}")
    problems = {}
    for peer in PEERS:
        print(f"{peer.name} ...", flush=True)
        problem = pip_install(environment, peer.requirements, PINNED)
        if problem is not None:
            problems[peer.name] = f"needs {peer.needs}: {problem}" if peer.needs else problem
    failures_file(environment).write_text(json.dumps(problems))
    return problems


def failures_file(environment: Path) -> Path:
    return environment / "not-installed.json"


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
