"""What the views work with, and how it is made and closed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from dishka import Provider, Scope, provide

GREETING = "Hello, Version 1!"


class Journal:
    """A file that somebody has to close, as a database would be."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self.write("opened")

    def write(self, text: str) -> None:
        print(f"{time.monotonic():.6f} {os.getpid()} {text}", file=self._file)

    def close(self) -> None:
        self.write("closed")
        self._file.close()


class Greeter:
    """One for each request."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def greet(self) -> str:
        self._journal.write(GREETING)
        return GREETING


class Services(Provider):
    """How the container makes them."""

    greeter = provide(Greeter, scope=Scope.REQUEST)

    @provide(scope=Scope.APP)
    def journal(self) -> Iterator[Journal]:
        """One for the application, opened when a request first needs it."""
        journal = Journal(Path("journal.txt"))
        yield journal
        journal.close()
