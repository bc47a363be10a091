"""What an application does once in each process that serves it: when it starts, and when it ends.

WSGI (PEP 3333) knows no such moment. A server that looks for `application.lifespan` gives it
one; under any other, the first request starts the application and `atexit` ends it.
"""

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

Hook = Callable[[], object]
_HookT = TypeVar("_HookT", bound=Hook)

_logger = logging.getLogger(__name__)


class Lifespan:
    """Functions to call when a process begins to serve, and others for when it ends.

    `startup` and `shutdown` may be called from any thread, any number of times: each takes
    effect once in a process. A forked process begins anew.
    """

    def __init__(self) -> None:
        self._startup_hooks: list[Hook] = []
        self._shutdown_hooks: list[Hook] = []
        self._parts: list[Lifespan] = []
        self._lock = threading.RLock()
        self._has_begun = False
        self._is_started = False
        _every_lifespan.add(self)

    @property
    def is_started(self) -> bool:
        """Whether this process has started it, to the end of the last hook, and not ended it."""
        return self._is_started

    def on_startup(self, hook: _HookT) -> _HookT:
        """Decorator: call `hook` before the first request, in the order of registration."""
        self._startup_hooks.append(hook)
        return hook

    def on_shutdown(self, hook: _HookT) -> _HookT:
        """Decorator: call `hook` after the last request, the last registered one first."""
        self._shutdown_hooks.append(hook)
        return hook

    def include(self, part: "Lifespan") -> None:
        """Let that of a mounted application start before this one, and end after it."""
        self._parts.append(part)

    def startup(self) -> None:
        """Start, unless this process has. What a hook raises comes through, after `shutdown`."""
        with self._lock:
            if self._has_begun:  # Perhaps by this very call: a hook may make a request.
                return
            # Before the hooks: what they have opened is closed, also when one of them fails.
            self._has_begun = True
            atexit.register(self.shutdown)
            try:
                for part in self._parts:
                    part.startup()
                for hook in self._startup_hooks:
                    hook()
            except BaseException:
                self.shutdown()
                raise
            # After the hooks: requests of other threads do not ask for the lock once it is set.
            self._is_started = True

    def shutdown(self) -> None:
        """End what `startup` started. A hook that fails is logged and does not stop the others."""
        with self._lock:
            if not self._has_begun:
                return
            self._has_begun = self._is_started = False
            atexit.unregister(self.shutdown)
            for hook in reversed(self._shutdown_hooks):
                try:
                    hook()
                except Exception:  # The hooks that follow have their own things to close.
                    _logger.exception("A function of on_shutdown failed")
            for part in reversed(self._parts):
                part.shutdown()

    def _begin_anew(self) -> None:
        """In a forked process: what the parent has started is the parent's to end."""
        self._lock = threading.RLock()  # Another thread of the parent may have held it.
        self._has_begun = self._is_started = False
        atexit.unregister(self.shutdown)


def lifespan_of(application: object) -> Lifespan | None:
    """That of an application which has one."""
    try:
        found = getattr(application, "lifespan", None)
    except Exception:  # noqa: BLE001 - a proxy that has nothing to stand for just now
        return None
    return found if isinstance(found, Lifespan) else None


_every_lifespan: weakref.WeakSet[Lifespan] = weakref.WeakSet()


def _begin_all_anew() -> None:
    for lifespan in list(_every_lifespan):
        lifespan._begin_anew()


if hasattr(os, "register_at_fork"):  # Not on Windows, which does not fork.
    os.register_at_fork(after_in_child=_begin_all_anew)
