"""One end of a channel: packets with descriptors over a SOCK_SEQPACKET pair.

Sequenced packets keep message borders and, unlike datagrams, tell when the other end
is gone.
"""

import errno
import os
import select
import socket
from collections import deque

from wiverno.dev.processes import memory_file, messages
from wiverno.dev.processes.messages import Message

# Stock kernels refuse packets of 209 KB; what is larger than this travels as a memory file.
_INLINE_BYTES = 48 * 1024
_PACKET_BYTES = 64 * 1024
# `go` carries a record and a handful of listeners; the kernel's own limit is 253.
_MAX_FDS = 64
# Python knows the flag on Linux; elsewhere descriptors are marked after they arrived.
_CLOEXEC_FLAG = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class ChannelClosedError(Exception):
    """The other end is gone."""


class Channel:
    """Sends and receives whole messages. Sending is safe from several threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @classmethod
    def pair(cls) -> tuple["Channel", "Channel"]:
        kind = socket.SOCK_SEQPACKET if hasattr(socket, "SOCK_SEQPACKET") else socket.SOCK_DGRAM
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        return cls(ours), cls(theirs)

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, blocking: bool) -> None:
        self._socket.setblocking(blocking)

    def close(self) -> None:
        self._socket.close()

    def wait(self) -> None:
        """Return when there is something to receive, or nobody left to send it.

        Beside the application: gevent may have replaced `select.poll`, and a socket from before
        would stop all of its green threads.
        """
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        poll.poll()

    def send(self, message: Message) -> None:
        """Send; raises BlockingIOError when it is full, ChannelClosedError when nobody listens.

        ETOOMANYREFS and ENOBUFS (descriptors or memory that are under way) count as full.
        """
        head, payload = messages.encode(message)
        fds = list(getattr(message, "fds", ()))
        large: int | None = None
        if len(head) + len(payload) > _INLINE_BYTES:
            large = memory_file.create("wiverno-payload", payload)
            fds.append(large)
            head, payload = b"@" + head, b""
        try:
            socket.send_fds(self._socket, [head, b"\n", payload], fds)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosedError from error
        except OSError as error:
            if error.errno in (errno.ETOOMANYREFS, errno.ENOBUFS):
                raise BlockingIOError(error.errno, error.strerror) from error
            raise
        finally:
            if large is not None:
                os.close(large)

    def receive(self) -> Message:
        """The next message; ChannelClosedError at the end, BlockingIOError when there is none."""
        try:
            data, fds, _, _ = socket.recv_fds(self._socket, _PACKET_BYTES, _MAX_FDS, _CLOEXEC_FLAG)
        except ConnectionResetError as error:
            raise ChannelClosedError from error
        if not data:
            raise ChannelClosedError
        for fd in fds:
            os.set_inheritable(fd, False)
        head, _, payload = data.partition(b"\n")
        if head.startswith(b"@"):
            head, large = head[1:], fds.pop()
            payload = memory_file.read(large)
            os.close(large)
        return messages.decode(head, payload, tuple(fds))


class QueuedChannel:
    """The supervisor's end: never blocks, keeps what the other side has no room for."""

    def __init__(self, channel: Channel) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._outbox: deque[Message] = deque()

    def fileno(self) -> int:
        return self._channel.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._outbox)

    def send(self, message: Message) -> None:
        """Send now or later. Its descriptors must stay open until `has_unsent` is false."""
        self._outbox.append(message)
        self.flush()

    def flush(self) -> None:
        """Send what there is room for. A closed channel drops the rest: its exit is reported."""
        while self._outbox:
            try:
                self._channel.send(self._outbox[0])
            except BlockingIOError:
                return
            except ChannelClosedError:
                self._outbox.clear()
                return
            self._outbox.popleft()

    def receive(self) -> Message:
        """As `Channel.receive`; never blocks."""
        return self._channel.receive()

    def close(self) -> None:
        self._outbox.clear()
        self._channel.close()
