"""The handler of watchdog's events. It runs in the thread that dispatches, and only hands over."""

import os
from collections.abc import Callable

from watchdog import events

from wiverno.dev.watching.reporter import ChangeKind, Reporter
from wiverno.dev.watching.upkeep import DirectoryChange

# All but opened, closed without a write, and changed attributes. Without a filter every
# file *read* in the tree is an event, and watchdog 7 with more than some 4,000
# directories feeds itself with the events of its own walk.
HANDLED_EVENTS: list[type[events.FileSystemEvent]] = [
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileClosedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.DirCreatedEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
]


class Handler(events.FileSystemEventHandler):
    """Reports what happened to files; what happened to directories goes to `follow`, too."""

    def __init__(self, reporter: Reporter, follow: Callable[[DirectoryChange], object]) -> None:
        self._reporter = reporter
        self._follow = follow

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Called by watchdog for each of `HANDLED_EVENTS`."""
        source = os.fsdecode(event.src_path)
        target = os.fsdecode(event.dest_path) if event.event_type == "moved" else ""
        if event.is_directory:
            self._on_directory(event.event_type, source, target)
        else:
            self._on_file(event.event_type, source, target)

    def _on_directory(self, event_type: str, source: str, target: str) -> None:
        if event_type == "created":
            self._follow(DirectoryChange(appeared=source))
        else:
            self._reporter.report_vanished_directory(source)
            self._follow(DirectoryChange(vanished=source, appeared=target))

    def _on_file(self, event_type: str, source: str, target: str) -> None:
        match event_type:
            case "moved":
                self._reporter.report(ChangeKind.DELETED, source)
                self._reporter.report(ChangeKind.MOVED, target)
            case "created" | "deleted":
                self._reporter.report(ChangeKind(event_type), source)
            case _:
                self._reporter.report(ChangeKind.MODIFIED, source)
