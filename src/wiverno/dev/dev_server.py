"""DevServer, the public face of the development server: wiring only."""

import contextlib
import os
import sys
import threading
from collections.abc import Mapping, Sequence

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.listener import bind, display_url
from wiverno.dev.control.events import EventStream
from wiverno.dev.notices import Notices, RestartAsked, StopAsked
from wiverno.dev.processes.role import current_role
from wiverno.dev.settings import DevSettings
from wiverno.dev.watching.filters import DEFAULT_IGNORE_PATTERNS

# A page with all its images, several tabs, an impatient agent: while code is being
# replaced all of them wait in this queue, and none may be refused.
_BACKLOG = 1024
# stop() in another thread: the session's own deadlines are below two seconds.
_STOP_TIMEOUT_S = 10.0


class NestedServeError(WivernoError):
    """The application that a dev session imports tried to start a dev session itself."""


class UnsupportedPlatformError(WivernoError):
    """The development server does not run on this platform."""


class DevServer:
    """Serves `app_module:app_name` and restarts it when its files change.

    The application is imported in processes of its own, never here. `host` and `port`
    are where it answers, from before the first import until `stop()`; port 0 takes a free
    one, see `addresses`.

    Example::

        DevServer.serve(app_module="myapp.main", app_name="app", port=8000)
    """

    def __init__(  # noqa: PLR0913 - the parameters are the public contract
        self,
        app_module: str,
        app_name: str = "app",
        host: str = "localhost",
        port: int = 8000,
        watch_dirs: Sequence[str] | None = None,
        ignore_patterns: Sequence[str] | None = None,
        debounce_seconds: float = 1.0,
        *,
        hangup_restarts: bool = False,
        on_error: str = "page",
        reload: str = "auto",
        reload_strategy: str = "auto",
        wait_timeout_seconds: float = 10.0,
        build_timeout_seconds: float = 120.0,
        watch_files: Sequence[str] = (),
        static_dirs: Sequence[str] = (),
        unwatch_files: Sequence[str] = (),
        interface: str = "auto",
        env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        import_dirs: Sequence[str] = (),
        verbose: bool = False,
    ) -> None:
        """`watch_dirs=None` is the current directory.

        `ignore_patterns=None` is the list of defaults; a pattern matches a component of a
        path below a watch directory, or is a glob. `debounce_seconds` is how long a burst of
        saves must be quiet before the server restarts on its own; a request never waits for it.
        `hangup_restarts` makes SIGHUP restart the application, as in a session without a
        terminal, instead of ending the session. SIGUSR1 restarts it in any session.

        `on_error="keep"` lets the last good version go on while the code is broken, instead of
        a page. `reload="manual"` restarts a running application only when it is asked for.
        `wait_timeout_seconds` is how long a request waits for a build, `build_timeout_seconds`
        how long a build may take. The application depends on `watch_files` from the start;
        nothing in `static_dirs` and none of `unwatch_files` is followed as a data file.
        `interface` is `wsgi`, `asgi` (which needs the extra of that name), or `auto` for what the
        application looks like. `env_files` set variables for the application, `environment` those
        that it has where nobody else sets them; this process keeps its own. `import_dirs` are
        on its import path, behind the current directory. With `verbose` the terminal tells where
        the time of each restart goes.
        """
        self.app_module = app_module
        self.app_name = app_name
        self.host = host
        self.port = port
        self.watch_dirs = [os.getcwd()] if watch_dirs is None else list(watch_dirs)  # noqa: PTH109
        self.ignore_patterns = list(
            DEFAULT_IGNORE_PATTERNS if ignore_patterns is None else ignore_patterns
        )
        self.debounce_seconds = debounce_seconds
        self.hangup_restarts = hangup_restarts
        self.on_error = on_error
        self.reload = reload
        self.reload_strategy = reload_strategy
        self.wait_timeout_seconds = wait_timeout_seconds
        self.build_timeout_seconds = build_timeout_seconds
        self.watch_files = watch_files
        self.static_dirs = static_dirs
        self.unwatch_files = unwatch_files
        self.interface = interface
        self.env_files = env_files
        self.environment = dict(environment or {})
        self.import_dirs = import_dirs
        self.verbose = verbose
        self.addresses: list[tuple[str, int]] = []
        """What was bound, once `start()` has; the port is the real one."""
        self._notices = Notices(hangup_restarts=hangup_restarts)
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    @staticmethod
    def serve(  # noqa: PLR0913 - the parameters are the public contract
        app_module: str = "run",
        app_name: str = "app",
        host: str = "localhost",
        port: int = 8000,
        watch_dirs: Sequence[str] | None = None,
        ignore_patterns: Sequence[str] | None = None,
        debounce_seconds: float = 1.0,
        *,
        hangup_restarts: bool = False,
        on_error: str = "page",
        reload: str = "auto",
        reload_strategy: str = "auto",
        wait_timeout_seconds: float = 10.0,
        build_timeout_seconds: float = 120.0,
        watch_files: Sequence[str] = (),
        static_dirs: Sequence[str] = (),
        unwatch_files: Sequence[str] = (),
        interface: str = "auto",
        env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        import_dirs: Sequence[str] = (),
        verbose: bool = False,
    ) -> None:
        """Make a server and start it: the main entry point. Blocks until interrupted."""
        DevServer(
            app_module,
            app_name,
            host,
            port,
            watch_dirs,
            ignore_patterns,
            debounce_seconds,
            hangup_restarts=hangup_restarts,
            on_error=on_error,
            reload=reload,
            reload_strategy=reload_strategy,
            wait_timeout_seconds=wait_timeout_seconds,
            build_timeout_seconds=build_timeout_seconds,
            watch_files=watch_files,
            static_dirs=static_dirs,
            unwatch_files=unwatch_files,
            interface=interface,
            env_files=env_files,
            environment=environment,
            import_dirs=import_dirs,
            verbose=verbose,
        ).start()

    def start(self) -> None:
        """Serve until Ctrl+C, SIGTERM or `stop()`.

        Raises OSError when the address cannot be bound, SettingError (a ValueError) for a
        bad setting, and WivernoError where a dev session cannot run: on Windows, and in the
        very application that is being served.
        """
        _check_place()
        # Imported here: settings and errors above are needed without the rest.
        from wiverno.dev.supervisor import Supervisor

        listeners = bind(self.host, self.port, _BACKLOG)
        self._is_over.clear()
        self._thread = threading.current_thread()
        try:
            self.addresses = [listener.getsockname()[:2] for listener in listeners]
            settings = DevSettings.checked(
                app=(self.app_module, self.app_name),
                url=display_url(self.host, self.addresses[0][1]),
                watch_dirs=self.watch_dirs,
                ignore_patterns=self.ignore_patterns,
                debounce_s=self.debounce_seconds,
                on_error=self.on_error,
                reload=self.reload,
                reload_strategy=self.reload_strategy,
                wait_timeout_s=self.wait_timeout_seconds,
                build_timeout_s=self.build_timeout_seconds,
                watch_files=self.watch_files,
                static_dirs=self.static_dirs,
                unwatch_files=self.unwatch_files,
                interface=self.interface,
                env_files=self.env_files,
                environment=self.environment,
                import_dirs=self.import_dirs,
                is_verbose=self.verbose,
            )
            events = EventStream.from_environment()
            with contextlib.closing(events):
                events.emit("listening", addresses=self.addresses, url=settings.url)
                Supervisor(settings, listeners, self._notices, events).run()
        finally:
            for listener in listeners:
                listener.close()
            self._thread = None
            self._is_over.set()

    def restart(self) -> None:
        """Restart the application, changed or not. From any thread; it only asks.

        Without a session that runs it does nothing.
        """
        if self._thread is not None:
            self._notices.put(RestartAsked())

    def stop(self) -> None:
        """End the session.

        From another thread it returns when workers, watching and listeners are gone. From a
        signal handler or the session's own thread it only asks. Before `start()` it makes
        that `start()` return at once; twice is harmless.
        """
        if self._is_over.is_set():
            return
        self._notices.put(StopAsked("stop()"))
        if self._thread not in (None, threading.current_thread()):
            self._is_over.wait(_STOP_TIMEOUT_S)


def _check_place() -> None:
    if sys.platform == "win32":
        raise UnsupportedPlatformError(
            "The development server needs Linux or macOS. On Windows run it in WSL, "
            "or use `wiverno run prod`."
        )
    if (role := current_role()) is not None:
        raise NestedServeError(
            f"DevServer was started inside a {role} process of a running dev session: the "
            "application module must not start a server when it is imported. Put the call "
            'under `if __name__ == "__main__":`, or into a module of its own.'
        )
