"""The pool alone: which of its threads are called stuck."""

import threading

from wiverno.core.server.pool import Pool


def test_stop_without_patience_names_only_threads_in_a_job() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(job: str) -> None:
        begun.set()
        go_on.wait(10)

    pool = Pool(4, work)
    pool.start()
    pool.submit("a job that takes long")
    assert begun.wait(10)
    stuck = pool.stop(0.0)
    go_on.set()

    assert len(stuck) == 1
    # Nothing is left behind.
    assert pool.stop(10.0) == []
