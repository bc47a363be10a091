"""Keeps the files of a background session true, by the session's own events.

A thread of its own, since the supervisor's loop must never wait for a disk.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from wiverno.dev.control.events import EVENTS_FD_VARIABLE
from wiverno.dev.control.session_file import Serving, SessionDetails, SessionFile

_END_TIMEOUT_S = 2.0
_END_LINE = b'{"event": "end of session"}\n'


@contextlib.contextmanager
def kept(
    file: SessionFile,
    details: SessionDetails,
    on_created: Callable[[], None],
    on_failed: Callable[[OSError], None],
) -> Iterator[None]:
    """While the block runs a session, its files say what it does; then they are removed.

    `on_created` is called once they are there, `on_failed` when they cannot be made; both in
    the keeper's thread.
    """
    read_end, write_end = os.pipe()
    # The session's event stream takes this one over, if the session gets that far.
    events_fd = os.dup(write_end)
    os.set_inheritable(events_fd, True)
    os.environ[EVENTS_FD_VARIABLE] = str(events_fd)
    keeper = SessionKeeper(file, details, on_created, on_failed)
    thread = threading.Thread(
        target=keeper.run, args=(read_end,), name="wiverno-session-file", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        os.environ.pop(EVENTS_FD_VARIABLE, None)
        os.write(write_end, _END_LINE)
        thread.join(_END_TIMEOUT_S)
        os.close(write_end)


class SessionKeeper:
    """Turns events into details, and details into files."""

    def __init__(
        self,
        file: SessionFile,
        details: SessionDetails,
        on_created: Callable[[], None],
        on_failed: Callable[[OSError], None],
    ) -> None:
        self._file = file
        self._details = details
        self._on_created = on_created
        self._on_failed = on_failed
        self._builds: dict[int, float] = {}
        self._can_write = True

    def run(self, fd: int) -> None:
        """Follow the stream until the session's end."""
        with open(fd, "rb") as stream:
            for line in stream:
                if line == _END_LINE:
                    break
                self._on_event(json.loads(line))
        with contextlib.suppress(OSError):  # The folder is gone, or not ours any more.
            self._file.remove(self._details)

    def _on_event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "listening":
                self._details = replace(self._details, url=event["url"])
            case "session":
                # Not at `listening`: from here on the session handles its signals.
                self._details = replace(self._details, session_id=event["id"])
                self._create()
            case "build_started":
                self._builds[event["generation"]] = event["at_s"]
            case "serving":
                self._serves(Serving.APPLICATION, event["generation"], event["restart"], "")
            case "page":
                serving = Serving.PAGE if event["is_final"] else Serving.WAITING_PAGE
                restart = self._details.restart
                self._serves(serving, event["generation"], restart, event["headline"])
            case "kept" if event["is_final"]:
                restart = self._details.restart
                self._serves(Serving.KEPT, event["failed"], restart, event["headline"])
            case _:
                pass

    def _serves(self, serving: Serving, generation: int, restart: int, headline: str) -> None:
        self._details = replace(
            self._details,
            serving=serving,
            generation=generation,
            build_began_at_s=self._builds.get(generation, 0.0),
            restart=restart,
            headline=headline,
        )
        self._builds = {known: at for known, at in self._builds.items() if known >= generation}
        self._update()

    def _create(self) -> None:
        try:
            self._file.create(self._details)
        except OSError as error:
            self._on_failed(error)
        else:
            self._on_created()

    def _update(self) -> None:
        try:
            self._file.update(self._details)
            self._can_write = True
        except OSError as error:
            # A full disk is no reason to stop serving; said once.
            if self._can_write:
                print(f"{self._file.path}.session cannot be written: {error}", file=sys.stderr)  # noqa: T201
            self._can_write = False
