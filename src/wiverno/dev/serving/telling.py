"""What a worker tells of each request, whichever interface its application has."""

from collections.abc import Callable
from dataclasses import dataclass

from wiverno.core.wsgi_types import HeaderList
from wiverno.dev.serving.request_notes import RequestNotes


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Telling:
    """Each answer is tagged, each request noted. Called in the thread that answers it."""

    generation: int | None = None
    """For the header `X-Wiverno-Generation`; None: the application tags its answers itself."""
    notes: RequestNotes | None = None
    policy_tags: Callable[[], HeaderList] = list
    """Asked at each answer."""
    request_began: Callable[[], None] = _nothing

    def tags(self) -> HeaderList:
        own = [] if self.generation is None else [("X-Wiverno-Generation", str(self.generation))]
        return [*own, *self.policy_tags()]
