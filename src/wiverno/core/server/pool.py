"""The few threads that run application code. They know no socket and no request."""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

logger = logging.getLogger("wiverno.core.server")

Job = TypeVar("Job")


class Pool(Generic[Job]):
    """`threads` daemon threads that call `work` with each job, in the order of `submit`."""

    def __init__(self, threads: int, work: Callable[[Job], None]) -> None:
        self._work = work
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._in_a_job: set[threading.Thread] = set()

    def start(self) -> None:
        """Start the threads; they are daemons, since application code may never return."""
        for number in range(1, self._count + 1):
            thread = threading.Thread(target=self._run, name=f"wiverno-pool-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, job: Job) -> None:
        """Hand a job to the next free thread. Never blocks."""
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
        # The others wait for the processor, to end.
        in_a_job = self._in_a_job.copy()
        return [thread.name for thread in self._threads if thread in in_a_job]

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._in_a_job.add(threading.current_thread())
            try:
                self._work(job)
            except BaseException:  # A thread lost here would be missing until the restart.
                logger.exception("A pool thread met an error of the server itself")
            finally:
                self._in_a_job.discard(threading.current_thread())
