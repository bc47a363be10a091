"""The supervisor's place for its pages process, which is never empty for long."""

import time

from wiverno.dev.processes.handles import ProcessHandle
from wiverno.dev.processes.messages import Go, StandDown
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.settings import DevSettings

# So many pages processes may end by themselves before there is a pause between tries.
_DEATHS_WITHOUT_PAUSE = 3


class PagesSlot:
    """Starts, watches and replaces the one pages process."""

    def __init__(self, table: ProcessTable, settings: DevSettings) -> None:
        self._table = table
        self._settings = settings
        self._deaths = 0
        self._must_stand_down = False
        self.handle: ProcessHandle | None = None
        self.due_at: float | None = None
        """When it must have stood down, or when the next one is to be started; monotonic."""

    def start(self) -> None:
        self.handle = self._table.start_pages()

    def show(self, go: Go) -> None:
        """Without a process nothing happens: the next one is told when it stands."""
        if self.handle is not None:
            self.handle.channel.send(go)

    def stand_down(self, generation: int) -> None:
        if self.handle is not None:
            self.handle.channel.send(StandDown(generation))
            self._must_stand_down = True
            self.due_at = time.monotonic() + self._settings.stand_down_deadline_s

    def stood_down(self) -> None:
        self._must_stand_down = False
        self.due_at = None

    def ended(self) -> None:
        """The process is gone. One that cannot live is not started again without pause."""
        self.handle = None
        self._must_stand_down = False
        self._deaths += 1
        pause_s = self._settings.pages_pause_s if self._deaths >= _DEATHS_WITHOUT_PAUSE else 0.0
        self.due_at = time.monotonic() + pause_s

    def tend(self, now: float) -> bool:
        """Do what is due; True when there is a new process, which knows of no page yet."""
        if self.due_at is None or now < self.due_at:
            return False
        self.due_at = None
        if self.handle is None:
            self.start()
            return True
        if self._must_stand_down:
            # It does not answer; its exit brings another one.
            self.handle.kill()
        return False
