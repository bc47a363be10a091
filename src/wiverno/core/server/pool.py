"""The few threads that run application code. They know no socket and no request."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger("wiverno.core.server")

Job = TypeVar("Job")


class Pool(Generic[Job]):
    """At most `threads` threads that call `work` with each job, in the order of `submit`.

    They start when there is something to do for them: eight take a millisecond to start, which
    the first request after a restart would wait for.
    """

    def __init__(self, threads: int, work: Callable[[Job], None]) -> None:
        self._work = work
        # Looked up only now: gevent may have replaced it since this module was imported.
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._count = threads
        self._threads: list[threading.Thread] = []
        self.busy: set[threading.Thread] = set()
        """Those that run a job."""
        # One for each thread that has nothing to do, at most.
        self._idle: deque[None] = deque()

    def submit(self, job: Job) -> None:
        """Hand a job to the next free thread. Called by one thread, which it never blocks.

        Raises RuntimeError when there is no thread and none can be started.
        """
        try:
            self._idle.pop()
        except IndexError:
            if len(self._threads) < self._count:
                self._start_thread()
        self._jobs.put(job)

    def has_thread(self, thread: threading.Thread) -> bool:
        """Is this one of ours? Such a thread must not wait for the pool to end."""
        return thread in self._threads

    def stop(self, timeout_s: float) -> list[str]:
        """End the threads; returns the names of those that are still stuck in a job."""
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        # One that is alive but has no job is only waiting for a processor to end on.
        return [thread.name for thread in self._threads if thread in self.busy]

    def _run(self) -> None:
        thread = threading.current_thread()
        while (job := self._jobs.get()) is not None:
            self.busy.add(thread)
            try:
                self._work(job)
            except BaseException:  # A thread lost here would be missing until the restart.
                logger.exception("A pool thread met an error of the server itself")
            self.busy.discard(thread)
            # Otherwise it is not: a job is left that no thread could be started for.
            if self._jobs.empty():
                self._idle.append(None)

    def _start_thread(self) -> None:
        name = f"wiverno-pool-{len(self._threads) + 1}"
        # A daemon, since application code may never return.
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The system allows no more, maybe for a moment only.
            if not self._threads:
                raise
            logger.exception("A thread could not be started; %d run", len(self._threads))
            return
        self._threads.append(thread)
