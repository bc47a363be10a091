"""How candidates come to be. Nothing else in the supervisor knows which strategy runs."""

from typing import Protocol

from wiverno.dev.processes.handles import BuildCause, ProcessHandle, WorkerHandle
from wiverno.dev.processes.messages import Built, Message
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.settings import DevSettings


class Strategy(Protocol):
    """Starts candidates, and keeps what makes that fast."""

    def start_worker(
        self, generation: int, cause: BuildCause, good_sources_fd: int | None
    ) -> WorkerHandle:
        """A candidate of this generation. `good_sources_fd` stays the caller's."""

    def served(self, worker: WorkerHandle) -> None:
        """It is told to serve."""

    def failed(self, worker: WorkerHandle) -> None:
        """Its import has failed."""

    def build_again(self, built: Built | None) -> None:
        """The next candidate repeats a build that ended so: inexact, unfit, or not at all."""

    def why_outdated(self) -> str | None:
        """Asked after each start, while the candidate imports: what a cold start has otherwise."""

    def on_message(self, handle: ProcessHandle, message: Message) -> None:
        """Take a message that no one else understands. Raises ValueError."""

    def on_exit(self, handle: ProcessHandle) -> None:
        """A process that is no worker has ended."""

    @property
    def due_at(self) -> float | None:
        """When `tend` has something to do; monotonic, in seconds."""

    def tend(self, now: float) -> None:
        """Prepare for the next build, while nobody waits."""

    def end_session(self) -> None:
        """Nothing more will be started."""


class Spawn:
    """Each candidate is a new interpreter."""

    def __init__(self, table: ProcessTable, settings: DevSettings) -> None:
        self._table = table
        self._settings = settings

    def start_worker(
        self, generation: int, cause: BuildCause, good_sources_fd: int | None
    ) -> WorkerHandle:
        self._table.environment.refresh()
        return self._table.start_worker(generation, self._settings, cause, good_sources_fd)

    def served(self, worker: WorkerHandle) -> None:
        pass

    def failed(self, worker: WorkerHandle) -> None:
        pass

    def build_again(self, built: Built | None) -> None:
        pass

    def why_outdated(self) -> str | None:
        return None

    def on_message(self, handle: ProcessHandle, message: Message) -> None:
        raise ValueError(f"the supervisor does not understand {message.name!r}")

    def on_exit(self, handle: ProcessHandle) -> None:
        pass

    due_at: float | None = None

    def tend(self, now: float) -> None:
        pass

    def end_session(self) -> None:
        pass
