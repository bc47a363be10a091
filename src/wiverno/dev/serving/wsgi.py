"""Serves a WSGI application: the server of `wiverno.core.server` with a gate before it."""

import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence

from wiverno.core.server.accept_loop import AcceptLoop
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import (
    Environ,
    ExcInfo,
    HeaderList,
    StartResponse,
    WriteCallable,
    WSGIApplication,
)
from wiverno.dev.serving.access_line import AccessLine
from wiverno.dev.serving.protocol import Gatekeeper
from wiverno.dev.serving.telling import Telling

_Fail = Callable[[Exception], Iterable[bytes]]

# What the supervisor shows for a worker whose accept loop failed: EX_SOFTWARE of sysexits.h.
_BUG_IN_THE_SERVER = 70
# Half of what a process has to leave at the end of the session.
_CUT_STREAMS_S = 0.2


class WSGIServing:
    """The WSGI form of `Serving`. The accept loop runs in a thread of its own."""

    def __init__(self, application: WSGIApplication, gatekeeper: Gatekeeper) -> None:
        self._application = application
        self._gatekeeper = gatekeeper
        self._loop: AcceptLoop | None = None
        self._thread: threading.Thread | None = None

    def go(self, listeners: Sequence[socket.socket]) -> None:
        self._loop = AcceptLoop(
            list(listeners),
            self._application,
            # For streams that were cut: time to notice and to run their `finally`. The process
            # ends anyway; a thread that is stuck in application code is left behind.
            ServerSettings(thread_join_timeout_s=_CUT_STREAMS_S),
            may_dispatch=self._gatekeeper.is_fresh,
            release=self._gatekeeper.hand_over,
        )
        self._thread = threading.Thread(target=self._run, name="wiverno-serving", daemon=True)
        self._thread.start()

    def adopt_connection(self, connection: socket.socket, received: bytes) -> None:
        assert self._loop is not None  # the supervisor sends `go` first
        self._loop.adopt(connection, received)

    def stop_accepting(self, deadline_s: float, then: Callable[[], None]) -> None:
        assert self._loop is not None  # go() made it
        self._loop.stop_accepting(then)
        self._loop.drain(deadline_s)

    @property
    def is_over(self) -> bool:
        """Has it finished what it had, after `stop_accepting`?"""
        return self._thread is not None and not self._thread.is_alive()

    def retire(self, deadline_s: float) -> None:
        if self._loop is None or self._thread is None:
            return
        self._loop.drain(deadline_s)
        # The loop keeps the deadline; this bounds a bug in it.
        self._thread.join(deadline_s + 1.0)

    def abandon_in_fork(self) -> None:
        if self._loop is not None:
            self._loop.abandon_in_fork()

    def _run(self) -> None:
        assert self._loop is not None  # go() made it
        try:
            self._loop.run()
        except BaseException:  # noqa: BLE001
            # A process that still holds the port but serves nothing would hang every client.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(_BUG_IN_THE_SERVER)


def make_serving(
    application: WSGIApplication, gatekeeper: Gatekeeper, telling: Telling
) -> WSGIServing:
    return WSGIServing(ToldApplication(application, telling), gatekeeper)


class ToldApplication:
    """The application as a worker serves it: each answer is told in a line and tagged.

    The header `X-Wiverno-Generation` says which code gave the answer. An exception that the
    application lets through is answered with a page.
    """

    def __init__(self, application: WSGIApplication, telling: Telling) -> None:
        self._application = application
        self._telling = telling
        self._notes = telling.notes

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method, target = environ["REQUEST_METHOD"], environ["REQUEST_URI"]
        line = AccessLine(method, target)
        if self._notes is not None:
            self._notes.begin(method, target)
        self._telling.request_began()

        def start(
            status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /
        ) -> WriteCallable:
            line.status = status
            tagged = [*headers, *self._telling.tags()]
            if exc_info is None:
                return start_response(status, tagged)
            return start_response(status, tagged, exc_info)

        def fail(error: Exception) -> Iterable[bytes]:
            if self._telling.generation is None:
                raise error
            from wiverno.dev.serving.failed_request import answer_failure

            request = method, target
            return answer_failure(error, self._telling.generation, request, environ, start)

        try:
            result = self._call(environ, start, fail)
        except BaseException:
            line.show()
            self._end_notes()
            raise
        if isinstance(result, list | tuple):
            line.show()
            self._end_notes()
            return result
        return _ToldAtFirstChunk(result, line, self._end_notes, fail)

    def _call(self, environ: Environ, start: StartResponse, fail: _Fail) -> Iterable[bytes]:
        try:
            return self._application(environ, start)
        except Exception as error:  # noqa: BLE001 - as the server does, which ends connections
            return fail(error)

    def _end_notes(self) -> None:
        if self._notes is not None:
            self._notes.end()


class _ToldAtFirstChunk:
    """An answer whose first chunk is yet to be made."""

    def __init__(
        self, result: Iterable[bytes], line: AccessLine, then: Callable[[], None], fail: _Fail
    ) -> None:
        self._result = result
        self._line = line
        self._then = then
        self._fail = fail

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._result:
                # The head goes out with the first byte; before that an error is a page.
                if chunk:
                    self._line.show()
                yield chunk
        except Exception as error:  # noqa: BLE001 - whatever comes out of an application
            yield from self._fail(error)
        finally:
            self._line.show()

    def close(self) -> None:
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            self._then()
