"""What processes cost: memory, counted once where they share it, and processor time."""

from collections.abc import Iterable
from pathlib import Path


def proportional_memory_kb(pid: int, name: str = "Pss") -> int:
    """Its share of all memory that it has mapped; `Pss_Anon`: of what is no file's."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def processor_s(pids: Iterable[int]) -> float:
    """Processor time that these processes have used, in all their threads that live."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
