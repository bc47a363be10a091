"""A process that waits to be forked: a template, or a snapshot in the middle of an import.

It runs nothing of the user's while it waits. Only a parent can reap, so it tells the
supervisor how its children ended.
"""

import gc
import os
import select
import signal
import socket
from collections.abc import Callable

from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.messages import Begun, Exited, Resume
from wiverno.dev.processes.own_pages import copy_pages
from wiverno.dev.processes.session_mark import write_mark
from wiverno.dev.processes.spawn import fork

_ALL_SIGNALS = signal.valid_signals()


class HeldSignals:
    """While it holds them, no handler of the application runs, nor is a child reaped unseen.

    Made before a fork; both sides go on with it. SIGKILL is not held: the life line.
    """

    def __init__(self) -> None:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS)
        self._ignores_children = signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
        if self._ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def forget_pending(self) -> None:
        """In a process that has waited: it was meant for those that ran meanwhile."""
        while signal.sigtimedwait(_ALL_SIGNALS, 0) is not None:
            pass

    def release(self) -> None:
        """In the process that goes on: as the application had them."""
        if self._ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


def pause(
    channel: Channel,
    signals: HeldSignals,
    after_fork: Callable[[], object],
    children: dict[int, int] | None = None,
) -> Channel:
    """Wait here for good; returns in each child, with the child's own channel.

    A child is forked before anybody needs it: it does `after_fork`, says that it has begun,
    and returns when its build comes. `children` are the pids of those that run already, by
    pidfd.
    """
    running = children or {}
    while True:
        try:
            _wait(channel, running)
            own = _tend(channel, running)
        except ChannelClosedError:
            os._exit(0)
        except BaseException:  # noqa: BLE001 - it would go on through the user's import, twice
            os._exit(1)
        if own is not None:
            _be_spare(own, after_fork)
            signals.forget_pending()
            signals.release()
            return own


def _be_spare(channel: Channel, after_fork: Callable[[], object]) -> None:
    try:
        after_fork()
        pidfd = os.pidfd_open(os.getpid())
        channel.send(Begun(os.getpid(), fds=(pidfd,)))
        os.close(pidfd)
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        poll.poll()
    except BaseException:  # noqa: BLE001 - it would go on through the user's import
        os._exit(1)


def _wait(channel: Channel, running: dict[int, int]) -> None:
    poll = select.poll()
    for fd in (channel.fileno(), *running):
        poll.register(fd, select.POLLIN)
    poll.poll()


def _tend(channel: Channel, running: dict[int, int]) -> Channel | None:
    """Reap what has ended, then take a message if there is one; a channel in the child."""
    _reap(channel, running)
    channel.setblocking(False)
    try:
        message = channel.receive()
    except BlockingIOError:
        return None
    finally:
        channel.setblocking(True)
    if not isinstance(message, Resume):
        os._exit(0)  # `retire`: there is nothing to finish.
    (fd,) = message.fds
    gc.freeze()
    pid = fork()
    if pid == 0:
        for inherited in running:
            os.close(inherited)
        channel.close()
        write_mark(message.mark)
        copy_pages(message.payload)
        return Channel(socket.socket(fileno=fd))
    os.close(fd)
    running[os.pidfd_open(pid)] = pid
    return None


def _reap(channel: Channel, running: dict[int, int]) -> None:
    for pidfd, pid in tuple(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pidfd]
            os.close(pidfd)
            channel.send(Exited(pid, os.waitstatus_to_exitcode(status)))
