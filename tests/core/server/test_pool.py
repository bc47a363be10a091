"""The threads that run application code: which of them are stuck at the end."""

import threading
from queue import SimpleQueue

from tests.dev.harness import wait_until
from wiverno.core.server.pool import Pool


def test_idle_threads_when_stopped_without_time_are_not_called_stuck() -> None:
    """On a busy machine they need a moment to end; they are in nobody's code meanwhile."""
    all_run = threading.Barrier(51)

    def work(job: int) -> None:
        all_run.wait(5)

    pool: Pool[int] = Pool(50, work)
    for number in range(50):
        pool.submit(number)
    all_run.wait(5)
    wait_until(lambda: not pool.busy, "they have nothing to do")

    stuck = pool.stop(0.0)

    assert stuck == []
    assert pool.stop(5.0) == []


def test_thread_in_a_job_when_stopped_is_named() -> None:
    begun, over = threading.Event(), threading.Event()

    def work(job: int) -> None:
        begun.set()
        over.wait(10)

    pool: Pool[int] = Pool(2, work)
    pool.submit(1)
    assert begun.wait(5)
    stuck = pool.stop(0.0)
    over.set()

    assert len(stuck) == 1
    assert stuck[0].startswith("wiverno-pool-")
    assert pool.stop(5.0) == []


def test_thread_that_has_nothing_to_do_takes_the_next_job() -> None:
    names: SimpleQueue[str] = SimpleQueue()
    pool: Pool[int] = Pool(8, lambda job: names.put(threading.current_thread().name))
    ran = []
    for number in range(20):
        pool.submit(number)
        ran.append(names.get(timeout=5))

    assert pool.stop(5.0) == []
    # One more where the next job came before the thread was done with the last.
    assert len(set(ran)) <= 2


def test_jobs_at_once_run_at_once_up_to_the_number_of_threads() -> None:
    begun: SimpleQueue[int] = SimpleQueue()
    over = threading.Event()

    def work(job: int) -> None:
        begun.put(job)
        over.wait(10)

    pool: Pool[int] = Pool(3, work)
    for number in range(4):
        pool.submit(number)
    at_once = {begun.get(timeout=5) for _ in range(3)}
    is_one_left = begun.empty()
    over.set()

    assert at_once == {0, 1, 2}
    assert is_one_left
    assert begun.get(timeout=5) == 3
    assert pool.stop(5.0) == []
