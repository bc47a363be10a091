"""The threads that run application code: which of them are stuck at the end."""

import threading

from wiverno.core.server.pool import Pool


def test_idle_threads_when_stopped_without_time_are_not_called_stuck() -> None:
    """On a busy machine they need a moment to end; they are in nobody's code meanwhile."""
    pool: Pool[int] = Pool(50, lambda job: None)
    pool.start()

    stuck = pool.stop(0.0)

    assert stuck == []
    assert pool.stop(5.0) == []


def test_thread_in_a_job_when_stopped_is_named() -> None:
    begun, over = threading.Event(), threading.Event()

    def work(job: int) -> None:
        begun.set()
        over.wait(10)

    pool: Pool[int] = Pool(2, work)
    pool.start()
    pool.submit(1)
    assert begun.wait(5)
    stuck = pool.stop(0.0)
    over.set()

    assert len(stuck) == 1
    assert stuck[0].startswith("wiverno-pool-")
    assert pool.stop(5.0) == []
