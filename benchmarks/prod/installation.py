"""The environment of their own in which all servers are installed, wiverno among them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.environment import pip_install
from benchmarks.prod.peers import PEERS, Peer, wiverno_peer

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-prod-peers"
PINNED = Path(__file__).with_name("requirements.txt")
PROFILER = "py-spy"


def install(environment: Path, python: str = sys.executable) -> dict[str, str]:
    """Distribution → why it could not be installed. wiverno itself must install."""
    # Cleared: it may have been made for another Python.
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    problem = pip_install(environment, ["--editable", str(ROOT)], PINNED)
    if problem is not None:
        raise SystemExit(f"wiverno itself cannot be installed: {problem}")
    problems = {}
    for name in (*(peer.requirement for peer in PEERS), PROFILER):
        print(f"{name} ...", flush=True)
        problem = pip_install(environment, [name], PINNED)
        if problem is not None:
            problems[name] = problem
    failures_file(environment).write_text(json.dumps(problems))
    return problems


def failures_file(environment: Path) -> Path:
    return environment / "not-installed.json"


def all_peers(environment: Path) -> tuple[Peer, ...]:
    """wiverno, then the others."""
    help_text = subprocess.run(
        [environment / "bin" / "python", "-m", "wiverno", "run", "prod", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    return (wiverno_peer(help_text.stdout), *PEERS)


def why_absent(peer: Peer, versions: Mapping[str, str], environment: Path) -> str | None:
    """None for a peer that is installed."""
    if peer.requirement in versions:
        return None
    told = failures_file(environment)
    problems: dict[str, str] = json.loads(told.read_text()) if told.exists() else {}
    return f"Not installed: {problems.get(peer.requirement, peer.requirement)}"
