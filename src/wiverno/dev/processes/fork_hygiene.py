"""What a process does around a fork so that its child behaves as after a cold start.

A process that stays behind, paused, leaves with `os._exit`: what the application has
registered with `atexit` belongs to the process that serves.
"""

import gc
import importlib
from collections.abc import Iterable

from wiverno.dev.processes.descriptors import take_own_offset
from wiverno.dev.processes.random_state import RandomState


def preload() -> None:
    """Import what `importlib.invalidate_caches` would import in every child: 5 to 20 ms."""
    importlib.import_module("importlib.metadata")


def before_fork(random_state: RandomState, *, collects: bool = False) -> None:
    """Take everything that is alive out of the collector's sight.

    Without it the first full collection in a child writes to every object and copies 53 MB of
    a large application. `collects` first drops what is garbage, which the child could never
    collect; once, where nobody waits.
    """
    if collects:
        gc.collect()
    gc.freeze()
    random_state.before_fork()


def after_fork_in_child(random_state: RandomState, files: Iterable[int] = ()) -> None:
    """Before any code of the application runs; `files` as the guard knows them.

    Raises OSError when a file cannot be opened again: this child must not go on.
    """
    for fd in files:
        take_own_offset(fd)
    random_state.after_fork_in_child()
