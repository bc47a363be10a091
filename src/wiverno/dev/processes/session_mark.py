"""The mark in a process's environment by which the supervisor finds what it left behind.

Other processes read the block that the kernel laid out at exec, which no assignment to
`os.environ` changes: a forked process would be found under the mark of its parent.
"""

import os

from wiverno.dev.processes.role import SESSION_VARIABLE

# proc_pid_stat(5): field 50, counted from the field after the name of the program.
_ENV_START = 47


def write_mark(mark: str) -> bool:
    """Bear `mark` from now on: in `os.environ`, and where other processes look.

    False when those will see the old one: the variable is not in the block, the block was
    moved or is not ours to write, or `mark` needs more room than the first mark took. So
    marks of one session have one width.
    """
    os.environ[SESSION_VARIABLE] = mark
    try:
        block = _read_block()
        position, room = _find(block)
        if position < 0 or len(mark.encode()) > room:
            return False
        # Not through a pointer: where the memory is not what we think, this raises instead
        # of ending the process.
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(_block_address() + position)
            memory.write(mark.encode().ljust(room, b"\0"))
        return f"{SESSION_VARIABLE}={mark}".encode() in _read_block().split(b"\0")
    except OSError:
        return False


def read_mark() -> str | None:
    """The mark as other processes see it; None where there is none."""
    try:
        block = _read_block()
    except OSError:  # Not Linux.
        return None
    position, _ = _find(block)
    return None if position < 0 else os.fsdecode(block[position : block.index(b"\0", position)])


def _find(block: bytes) -> tuple[int, int]:
    """Where the value begins and how much room it has; (-1, 0) when it is not there."""
    name = f"{SESSION_VARIABLE}=".encode()
    found = (b"\0" + block).find(b"\0" + name)
    if found < 0:
        return -1, 0
    begin = found + len(name)
    end = block.find(b"\0", begin)
    # A shorter mark has left more than one zero behind it.
    while block[end + 1 : end + 2] == b"\0":
        end += 1
    return begin, end - begin


def _block_address() -> int:
    with open("/proc/self/stat") as file:
        # The name of the program, in brackets, may have spaces.
        return int(file.read().rpartition(")")[2].split()[_ENV_START])


def _read_block() -> bytes:
    with open("/proc/self/environ", "rb") as file:
        return file.read()
