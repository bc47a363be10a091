"""The template: imports third-party modules once, then is forked for each candidate.

It never imports code of the user. What cannot be preloaded is found out in a process of its
own: a module that fails, prints, starts threads or opens sockets is left to the candidates.
"""

import importlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from wiverno.dev.loading import held_files
from wiverno.dev.loading.roots import EarlyImports, environment_changes, set_environment
from wiverno.dev.processes import child, fork_hygiene, life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.groundwork import Groundwork
from wiverno.dev.processes.late_imports import import_late
from wiverno.dev.processes.messages import Preload, Preloaded
from wiverno.dev.processes.paused import HeldSignals, pause
from wiverno.dev.processes.preloading import as_in_a_candidate, try_out
from wiverno.dev.processes.random_state import RandomState
from wiverno.dev.processes.role import Role, take_role

# What every candidate and worker needs of ours.
_OURS = (
    "wiverno.dev.processes.worker",
    "wiverno.dev.processes.worker_server",
    "wiverno.dev.processes.snapshots",
    "wiverno.dev.loading.policy_gates",
    "wiverno.dev.loading.doorbell",
    "wiverno.dev.serving.wsgi",
    # What ours import when they need it.
    "_blake2",
    "encodings.unicode_escape",
    "__future__",
)


def main(channel_fd: int, descriptor_limit: int) -> NoReturn:
    child.begin(descriptor_limit)
    take_role(Role.TEMPLATE)
    os.set_inheritable(channel_fd, False)
    channel = Channel(socket.socket(fileno=channel_fd))
    try:
        groundwork, own_life_line = _preload(channel)
    except ChannelClosedError:
        os._exit(1)
    random_state = RandomState()
    fork_hygiene.before_fork(random_state, collects=True)

    def after_fork() -> None:
        fork_hygiene.after_fork_in_child(random_state)
        os.close(own_life_line)

    own_channel = pause(channel, HeldSignals(), after_fork)
    from wiverno.dev.processes.worker import run

    run(own_channel, groundwork)


def _preload(channel: Channel) -> tuple[Groundwork, int]:
    message = channel.receive()
    assert isinstance(message, Preload)  # the first message, by the protocol
    own_life_line = life_line.arm(message.fds[0])
    for name in _OURS:
        importlib.import_module(name)
    fork_hygiene.preload()
    with as_in_a_candidate(message.argv, message.import_dirs) as asked_for:
        verdict = try_out(message.roots, own_life_line, message.project_dirs)
        environment, loggers = _import(verdict.good)
        import_late()
    left_out = (*message.left_out, *(each.name for each in verdict.refused))
    looked_for = tuple(sorted(asked_for))
    early = EarlyImports(tuple(verdict.good), looked_for, left_out, environment, loggers)
    groundwork = Groundwork(early, is_forked=True)
    files = held_files.pack(held_files.files_of(sys.modules.values()))
    channel.send(Preloaded(early.roots, tuple(verdict.refused), files))
    return groundwork, own_life_line


def _import(
    roots: Sequence[str],
) -> tuple[dict[str, dict[str, str | None]], dict[str, tuple[str, ...]]]:
    """What each has changed in the environment, which then is as it was; its new loggers."""
    first = dict(os.environ)
    changes, loggers = {}, {}
    for name in roots:
        before, known = dict(os.environ), _loggers()
        importlib.import_module(name)
        changes[name] = environment_changes(before)
        loggers[name] = tuple(_loggers() - known)
    last = dict(os.environ)
    set_environment({name: first.get(name) for name in {**first, **last}})
    return changes, loggers


def _loggers() -> set[str]:
    made = logging.root.manager.loggerDict
    return {name for name, each in made.items() if isinstance(each, logging.Logger)}
