"""What the guard says: why a process may not fork."""

from dataclasses import dataclass
from enum import StrEnum


class Obstacle(StrEnum):
    """What stands in the way of a fork."""

    SYSTEM = "system"
    GREEN_THREADS = "green threads"
    PYTHON_THREAD = "python thread"
    NATIVE_THREADS = "native threads"
    CHILD = "child process"
    DAEMON = "daemon"
    ALARM = "alarm"
    SOCKET = "socket"
    EVENT_SOURCE = "event source"
    FILE = "file"
    MEMORY_FILE = "memory file"
    PIPE = "pipe"
    DEVICE = "device"
    SHARED_LOCK = "shared lock"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`sentence` names the thing that was found, for people."""

    kind: Obstacle
    sentence: str
