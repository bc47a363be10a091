"""Between the loop and the pool: complete requests go to threads, finished ones come back.

Both ways many at a time. One by one, a thread would wake up for each and dispute every system
call of the loop with it: three switches a request instead of one for many.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

from wiverno.core.server.connection import Connection
from wiverno.core.server.gateway import Gateway
from wiverno.core.server.http_date import http_date
from wiverno.core.server.pool import Pool
from wiverno.core.server.response_writer import plain_answer

logger = logging.getLogger("wiverno.core.server")


class Dispatcher:
    """For one loop, whose thread calls everything here. It knows no socket and no phase."""

    def __init__(
        self,
        threads: int,
        gateway: Gateway,
        call: Callable[[Callable[[], None]], None],
        on_end: Callable[[Connection], None],
    ) -> None:
        """`call` has a function run in the loop's thread; there `on_end` gets each connection
        again, when the application is done with its request."""
        self._gateway = gateway
        self._call = call
        self._on_end = on_end
        self._threads = threads
        # Added and not yet ended.
        self._unfinished = 0
        self.pool: Pool[Connection] = Pool(threads, self._answer)
        # Complete requests of this turn of the loop.
        self._ready: list[Connection] = []
        # What pool threads are done with, and whether the loop knows that there is something.
        self._ended: deque[Connection] = deque()
        self._is_told = False

    @property
    def queued(self) -> int:
        """Requests that wait for a thread."""
        return max(0, self._unfinished - self._threads)

    def add(self, connection: Connection) -> None:
        """The connection's request is complete."""
        # Of the request before.
        connection.thread_id = 0
        self._unfinished += 1
        self._ready.append(connection)

    def dispatch(self) -> None:
        """At the end of a turn: give what was added to the pool."""
        for connection in self._ready:
            try:
                self.pool.submit(connection)
            except RuntimeError:
                logger.exception("No thread could be started for %s", connection.address)
                connection.must_close = True
                connection.rest = plain_answer(503, "No thread is left for it.", http_date())
                self._unfinished -= 1
                self._on_end(connection)
        self._ready.clear()

    def _answer(self, connection: Connection) -> None:
        """In a pool thread."""
        may_stay_open = False
        connection.thread_id = threading.get_ident()
        try:
            if not connection.is_gone:
                may_stay_open = self._gateway.answer(connection)
        finally:
            connection.must_close = not may_stay_open
            self._ended.append(connection)
            # Appended, then looked; the loop marks that it knows nothing, then takes them.
            if not self._is_told:
                self._is_told = True
                self._call(self._end)

    def _end(self) -> None:
        self._is_told = False
        while self._ended:
            try:
                connection = self._ended.popleft()
            except IndexError:  # When the loop has ended, several threads may be here.
                return
            self._unfinished -= 1
            self._on_end(connection)
