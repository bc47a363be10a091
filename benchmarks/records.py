"""How the raw results of a comparison are kept: one record per line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Absence:
    """A peer without measurements, or without those of one scenario, and why."""

    peer: str
    scenario: str
    reason: str


def write_records(
    path: Path, about: Mapping[str, Any], records: Mapping[str, Sequence[Any]]
) -> None:
    """`records` are lists of dataclass instances, by their names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One record per line: the file is read by people and compared by git.
    parts = [f'"about": {json.dumps(about, indent=1)}']
    for name, values in records.items():
        lines = ",\n".join(json.dumps(asdict(value)) for value in values)
        parts.append(f'"{name}": [\n{lines}\n]')
    path.write_text("{" + ",\n".join(parts) + "}\n")
