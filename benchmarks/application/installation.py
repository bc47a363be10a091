"""The environment of their own in which all peers are installed, wiverno among them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.application.peers import PEERS, WIVERNO, Peer
from benchmarks.environment import pip_install

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-application-peers"
PINNED = Path(__file__).with_name("requirements.txt")


def install(environment: Path, python: str = sys.executable) -> dict[str, str]:
    """Distribution → why it could not be installed. wiverno itself must install."""
    # Cleared: it may have been made for another Python.
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    problem = pip_install(environment, ["--editable", str(ROOT)], PINNED)
    if problem is not None:
        raise SystemExit(f"wiverno itself cannot be installed: {problem}")
    problems = {}
    for peer in PEERS:
        if peer.requirement is None or peer.name == WIVERNO:
            continue
        print(f"{peer.name} ...", flush=True)
        problem = pip_install(environment, [peer.requirement], PINNED)
        if problem is not None:
            problems[peer.requirement] = problem
    failures_file(environment).write_text(json.dumps(problems))
    return problems


def failures_file(environment: Path) -> Path:
    return environment / "not-installed.json"


def why_absent(peer: Peer, versions: Mapping[str, str], environment: Path) -> str | None:
    """None for a peer that is installed."""
    if peer.requirement is None or peer.requirement in versions:
        return None
    told = failures_file(environment)
    problems: dict[str, str] = json.loads(told.read_text()) if told.exists() else {}
    return f"Not installed: {problems.get(peer.requirement, peer.requirement)}"
