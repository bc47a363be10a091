"""What a worker does between `go` and `retire`: serve, and go on where it is kept.

Messages are handled in one thread, requests in those of the server: for a WSGI application the
main thread has the messages, for an ASGI application it has the requests.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from wiverno.core.wsgi_types import HeaderList
from wiverno.dev.loading.differences import entries_of_now
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.policy_gates import AnyGate, CountingGate, KeptGate
from wiverno.dev.loading.record import Record, RecordReader
from wiverno.dev.processes import child
from wiverno.dev.processes.asking import Asking
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.handover import Handover
from wiverno.dev.processes.messages import Adopt, Connection, Go, Message, Retire
from wiverno.dev.processes.turns import Turn
from wiverno.dev.serving.protocol import Serving, ServingFactory
from wiverno.dev.serving.request_notes import RequestNotes
from wiverno.dev.serving.telling import Telling

# The loop never waits for the application; it may wait for the GIL.
_STOP_ACCEPTING_S = 5.0
# For the output and atexit handlers, however long the requests took to end.
_LEAVE_AT_LEAST_S = 0.1


class WorkerServer:
    """One application, behind one gate after another."""

    def __init__(
        self,
        channel: Channel,
        make_serving: ServingFactory,
        record: Record,
        gate: Gate | CountingGate,
        notes: RequestNotes,
        turn: Turn,
    ) -> None:
        self.has_shutdown = False
        """The application does something at its end, and has more time for it."""
        self._channel = channel
        self._make_serving = make_serving
        self._record = record
        self._notes = notes
        self._turn = turn
        self._counting = gate if isinstance(gate, CountingGate) else None
        self._gate: AnyGate = gate
        self._generation = 0
        self._servings: list[Serving] = []
        """The last one accepts; those before it finish what they have."""
        self._handover: Handover | None = None
        self._close_failed_record: Callable[[], None] = lambda: None
        os.register_at_fork(after_in_child=self._abandon_in_fork)

    def handle(self, message: Message) -> float | None:
        """A number: the process is to leave within so many seconds."""
        match message:
            case Go():
                self._generation = message.generation
                self._serve(self._handover_of(self._generation))
                self._accept(message.fds)
            case Adopt():
                self._go_on(message)
            case Connection():
                assert self._handover is not None  # the supervisor sends `go` first
                self._handover.take(message, self._servings[-1])
            case Retire():
                return self._retire(message)
            case _:
                raise ValueError(f"a worker does not understand {message.name!r}")
        return None

    def _handover_of(
        self, generation: int, before_sweep: Callable[[], object] | None = None
    ) -> Handover:
        return Handover(self._channel, generation, self._gate, before_sweep, self._turn)

    def _serve(self, handover: Handover, error: str | None = None) -> None:
        """With the `error` that it goes on in spite of, if there is one."""

        def policy_tags() -> HeaderList:
            tags = [] if error is None else [("X-Wiverno-Error", error)]
            if self._counting is not None and self._counting.count:
                tags.append(("X-Wiverno-Stale", str(self._counting.count)))
            return tags

        telling = Telling(self._generation, self._notes, policy_tags)
        if error is not None:
            telling = replace(telling, request_began=Asking(self._channel))
        self._handover = handover
        self._servings.append(self._make_serving(handover, telling))

    def _accept(self, listener_fds: Sequence[int]) -> None:
        self._servings[-1].go([socket.socket(fileno=fd) for fd in listener_fds])

    def _go_on(self, message: Adopt) -> None:
        """Serve on, whether the gate has tripped or not."""
        self._turn = self._turn.next()
        record_fd, *listener_fds = message.fds
        self._stop_accepting()
        reader = RecordReader(record_fd)
        self._close_failed_record = lambda: os.close(record_fd)
        if self._counting is None:
            # First: what changes after this differs from the one, or from the other.
            self._record.rebase(entries_of_now)
            self._gate = KeptGate(Gate(reader.record), Gate(self._record))
        handover = self._handover_of(message.generation, before_sweep=reader.refresh)
        self._serve(handover, message.error)
        self._accept(listener_fds)

    def _stop_accepting(self) -> None:
        """Return when nothing more begins behind the old gate. What is in flight goes on."""
        has_stopped = threading.Event()
        close_record = self._close_failed_record

        def stopped() -> None:
            close_record()
            has_stopped.set()

        self._servings = [serving for serving in self._servings if not serving.is_over]
        self._servings[-1].stop_accepting(math.inf, stopped)
        has_stopped.wait(_STOP_ACCEPTING_S)

    def _retire(self, message: Retire) -> float:
        """Returns the seconds left to leave. The end of the session may shorten the deadline."""
        leave_by = _end_of(message)

        def left_s(retire: Retire) -> float:
            left_s = leave_by - time.monotonic()
            if not self.has_shutdown:
                # Threads that never end get no more because no request took the time.
                left_s = min(retire.leave_s, left_s)
            return max(_LEAVE_AT_LEAST_S, left_s)

        def hear_more() -> None:
            nonlocal leave_by
            with contextlib.suppress(ChannelClosedError):
                while True:
                    self._channel.wait()
                    again = self._channel.receive()
                    if isinstance(again, Retire):
                        leave_by = min(leave_by, _end_of(again))
                        self._finish(again.deadline_s)
                        # It may be leaving already, with the time that it had before.
                        child.bound_leaving(0, left_s(again))

        threading.Thread(target=hear_more, name="wiverno-retiring", daemon=True).start()
        self._finish(message.deadline_s)
        return left_s(message)

    def _finish(self, deadline_s: float) -> None:
        *earlier, last = self._servings
        # At the same time: a WebSocket of one hears of the restart, whatever another still streams.
        threads = [
            threading.Thread(target=serving.retire, args=(deadline_s,), daemon=True)
            for serving in earlier
        ]
        for thread in threads:
            thread.start()
        last.retire(deadline_s)
        for thread in threads:
            thread.join()

    def _abandon_in_fork(self) -> None:
        for serving in self._servings:
            serving.abandon_in_fork()


def _end_of(retire: Retire) -> float:
    return time.monotonic() + retire.deadline_s + retire.leave_s
