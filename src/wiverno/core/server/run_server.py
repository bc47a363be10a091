"""RunServer, the public face: binds, installs signal handlers, runs the loop, cleans up."""

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, TypeAlias, Unpack

from wiverno.core.exceptions import WivernoError
from wiverno.core.interfaces import Interface, detect_interface
from wiverno.core.lifespan import lifespan_of
from wiverno.core.server.accept_loop import AcceptLoop, Load
from wiverno.core.server.gateway import ResponseSummary
from wiverno.core.server.limits import ServerSettingsError
from wiverno.core.server.listener import bind, display_url
from wiverno.core.server.options import ServerOptions, settings_from
from wiverno.core.server.settings import DEFAULT_BACKLOG, ServerSettings
from wiverno.core.wsgi_types import WSGIApplication

logger = logging.getLogger("wiverno.core.server")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# What `stop()` waits beyond the graceful timeout, for closing and joining.
_STOP_MARGIN_S = 5.0

OnResponse: TypeAlias = Callable[[ResponseSummary], None]


class ServerRunningError(WivernoError, RuntimeError):
    """`start()` was called while another `start()` of the same object runs."""


class RunServer:
    """A production WSGI server.

        RunServer(application, host="0.0.0.0", port=8000, threads=16).start()

    Every setting of `ServerSettings` and `RequestLimits` is a keyword parameter; several servers
    can share a `settings` object instead. Constructing binds nothing and installs nothing.
    """

    def __init__(
        self,
        application: WSGIApplication,
        host: str = "localhost",
        port: int = 8000,
        request_queue_size: int = 5,
        *,
        settings: ServerSettings | None = None,
        on_response: OnResponse | None = None,
        **options: Unpack[ServerOptions],
    ) -> None:
        self.application = application
        self.host = host
        self.port = port
        self.request_queue_size = request_queue_size
        self.settings = _settings(settings, options, request_queue_size)
        self._on_response = on_response
        self._addresses: list[tuple[str, int]] = []
        self._loop: AcceptLoop | None = None
        self._runner: threading.Thread | None = None
        self._is_running = threading.Lock()
        self._is_stop_asked = False
        self._is_bound = threading.Event()
        self._is_finished = threading.Event()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every socket that is bound; empty before `start()` has bound.

        A UNIX socket is its path and 0.
        """
        return list(self._addresses)

    @property
    def load(self) -> Load | None:
        """How busy the server is, from any thread, a view too; None while it does not serve."""
        loop = self._loop
        return None if loop is None else loop.load

    def wait_until_bound(self, timeout_s: float) -> bool:
        """Wait in another thread until connections are accepted; False: not within the time."""
        return self._is_bound.wait(timeout_s)

    def start(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop()`; requests in flight are finished.

        An application with a `Lifespan` is started behind the bound port, before the first
        request, and ended after the last one.

        Raises OSError when it cannot bind, with the reason and what to do, and what a startup
        function of the application raises.
        """
        if not self._is_running.acquire(blocking=False):
            raise ServerRunningError("This server runs already. Call stop() first.")
        self._is_finished.clear()
        self._runner = threading.current_thread()
        try:
            if not self._is_stop_asked:
                self._serve()
        finally:
            self._loop = None
            self._runner = None
            self._addresses = []
            self._is_stop_asked = False
            self._is_bound.clear()
            self._is_running.release()
            self._is_finished.set()

    def stop(self) -> None:
        """Stop gracefully; from any thread, a signal handler or a view, at any time.

        Waits, bounded, until `start()` has returned, except where that would be waiting
        for itself: in the thread that runs `start()`, and in a view.
        """
        if self._is_finished.is_set():
            return
        # Ask, then look for the loop; start() sets the loop, then looks whether it was asked.
        self._is_stop_asked = True
        loop, runner, current = self._loop, self._runner, threading.current_thread()
        if loop is not None:
            loop.drain(self.settings.graceful_timeout_s)
        if runner is None or runner is current:
            return
        if loop is not None and loop.has_pool_thread(current):
            return
        self._is_finished.wait(self.settings.graceful_timeout_s + _STOP_MARGIN_S)

    def _serve(self) -> None:
        with (
            self._listening() as listeners,
            self._logging() as log,
            _application_started(self.application),
        ):
            loop = self._make_loop(listeners, log)
            with _signals_handled(loop, self.settings.graceful_timeout_s):
                self._addresses = [_address(listener) for listener in listeners]
                self._loop = loop
                if self._is_stop_asked:
                    loop.drain(self.settings.graceful_timeout_s)
                self._log_start()
                self._is_bound.set()
                loop.run()

    @contextmanager
    def _listening(self) -> Iterator[list[socket.socket]]:
        """The listeners, which the loop closes, or whoever fails before there is one."""
        if self.settings.uds is None:
            yield from _closed_on_error(bind(self.host, self.port, self.request_queue_size))
            return
        from wiverno.core.server.unix_listener import bind_unix

        listener = bind_unix(self.settings.uds, self.request_queue_size)
        try:
            yield from _closed_on_error([listener.sock])
        finally:
            listener.remove_file()

    @contextmanager
    def _logging(self) -> Iterator[OnResponse | None]:
        """The access log, if there is one."""
        if not self.settings.access_log:
            yield None
            return
        from wiverno.core.server.access_log import AccessLog, write_to

        if sys.stdout is None:
            raise ServerSettingsError("access_log", True, "needs a stdout, and there is none.")
        log = AccessLog(
            write_to(sys.stdout), self.settings.access_log_format, self.settings.access_log_skip
        )
        log.start()
        try:
            yield log
        finally:
            log.close()

    def _make_loop(self, listeners: list[socket.socket], log: OnResponse | None) -> AcceptLoop:
        name = self.settings.server_name or (self.host if self.settings.uds is None else None)
        loop = AcceptLoop(
            listeners,
            self.application,
            replace(self.settings, server_name=name or None),
            on_response=_both(log, self._on_response),
        )
        if log is not None:
            # Not to `on_response`: it may wait, and this is called in the loop's thread.
            loop.report_refusals_to(log)
        return loop

    def _log_start(self) -> None:
        interface = detect_interface(self.application)
        if interface is not Interface.WSGI:
            logger.warning(
                "The application looks like %s, and is called as WSGI: its answers will be errors. "
                "`wiverno run prod` hands such an application to uvicorn.",
                interface.value,
            )
        path, port = self.settings.uds, self._addresses[0][1]
        where = f"unix:{path}" if path is not None else display_url(self.host, port)
        logger.info("Wiverno server started on %s", where)
        logger.info("Request queue size: %d", self.request_queue_size)
        logger.info("Press Ctrl+C to stop the server")


def _settings(
    settings: ServerSettings | None, options: ServerOptions, request_queue_size: int
) -> ServerSettings:
    """One object that says how the server really runs."""
    if settings is not None and options:
        raise TypeError(
            f"Both settings= and {next(iter(options))}= say how the server runs. Give one of them; "
            "dataclasses.replace(settings, ...) makes settings that differ."
        )
    if settings is not None and settings.backlog not in (DEFAULT_BACKLOG, request_queue_size):
        raise TypeError(
            f"Both settings.backlog={settings.backlog} and request_queue_size={request_queue_size} "
            "say how long the queue is. Give RunServer the request_queue_size that you want."
        )
    try:
        if settings is None:
            return settings_from(options, backlog=request_queue_size)
        return replace(settings, backlog=request_queue_size)
    except ServerSettingsError as error:
        if error.setting != "backlog":
            raise
        raise ServerSettingsError("request_queue_size", error.value, error.fault) from None


def _address(listener: socket.socket) -> tuple[str, int]:
    name = listener.getsockname()
    return (name, 0) if isinstance(name, str) else (name[0], name[1])


def _both(log: OnResponse | None, on_response: OnResponse | None) -> OnResponse | None:
    if log is None or on_response is None:
        return log or on_response

    def report(summary: ResponseSummary) -> None:
        log(summary)
        on_response(summary)

    return report


def _closed_on_error(listeners: list[socket.socket]) -> Iterator[list[socket.socket]]:
    try:
        yield listeners
    except BaseException:
        for listener in listeners:
            listener.close()
        raise


@contextmanager
def _application_started(application: object) -> Iterator[None]:
    """Under the signal handlers of before: a function that hangs can be ended by a signal."""
    lifespan = lifespan_of(application)
    if lifespan is None:
        yield
        return
    lifespan.startup()
    try:
        yield
    finally:
        lifespan.shutdown()


@contextmanager
def _signals_handled(loop: AcceptLoop, graceful_timeout_s: float) -> Iterator[None]:
    """In the main thread: the first signal drains, the second cuts. Restores what was there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_second = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal is_second
        loop.drain(0.0 if is_second else graceful_timeout_s)
        is_second = True

    previous: dict[signal.Signals, Any] = {}
    # Without it a signal that arrives just before select() would wait for the next client.
    previous_fd = signal.set_wakeup_fd(loop.signal_fileno(), warn_on_full_buffer=False)
    try:
        for number in _SIGNALS:
            previous[number] = signal.signal(number, on_signal)
        yield
    finally:
        for number, handler in previous.items():
            # None: installed by C code, which Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(previous_fd)
