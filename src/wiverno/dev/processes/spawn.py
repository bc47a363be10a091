"""Starts the processes of a session. The one file that executes or forks.

A fresh interpreter gets what `python -m` would have given it: the interpreter's flags,
the environment and the current directory. It learns everything else from its channel.
"""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from wiverno.dev.application_forks import our_own
from wiverno.dev.processes.channel import Channel
from wiverno.dev.processes.child import BLOCKED_AT_THE_START

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])

# The current directory leaves sys.path until the application is imported, so that a
# file of the project named like a module of ours or of the standard library is not
# imported in its place, unrecorded. wiverno may have been found through the directory
# of the script that runs the supervisor; it goes last, where it shadows nothing.
_BOOTSTRAP = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
if {root!r} not in sys.path:
    sys.path.append({root!r})
from wiverno.dev.processes.{module} import main
main(int(sys.argv[1]), int(sys.argv[2]))
"""


class Program(StrEnum):
    """What a spawned process runs: a module of this package."""

    WORKER = "worker"
    PAGES = "pages"
    TEMPLATE = "template"


def spawn(
    program: Program, channel: Channel, environment: Mapping[str, str], descriptor_limit: int
) -> subprocess.Popen[bytes]:
    """Start `program` with its end of the channel and the limit of descriptors it shall have.

    What reaches the whole foreground group stays blocked until the process has its own
    handler: an interpreter that is starting would end with a traceback at Ctrl+C.
    """
    code = _BOOTSTRAP.format(root=_PACKAGE_ROOT, module=program.value)
    arguments = [str(channel.fileno()), str(descriptor_limit)]
    command = [sys.executable, *interpreter_flags(), "-c", code, *arguments]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED_AT_THE_START)
    try:
        return subprocess.Popen(
            command, pass_fds=(channel.fileno(),), env=dict(environment), close_fds=True
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def fork() -> int:
    """Fork; 0 in the child. Whether this process may fork is the guard's question.

    Python 3.12 and newer warn when there are several native threads. The guard has found the
    ones that matter; with warnings as errors the application would hear of ours.
    """
    if sys.version_info < (3, 12):
        with our_own():
            return os.fork()  # noqa: TID251 - this is the file that forks
    with our_own(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*use of fork\(\)", DeprecationWarning)
        return os.fork()  # noqa: TID251 - this is the file that forks


def open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process has ended; None where unknown."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # Not Linux; or too old a kernel, or a sandbox.
        return None


def interpreter_flags() -> list[str]:
    """-X, -W and the other flags this interpreter was started with.

    multiprocessing starts its interpreters with the same function, which knows only some of
    the -X options.
    """
    known: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    words = iter(known)
    flags: list[str] = []
    for word in words:
        if word == "-X":
            next(words)
        else:
            flags.append(word)
    for name, value in sys._xoptions.items():
        flags += ["-X", name if value is True else f"{name}={value}"]
    return flags
