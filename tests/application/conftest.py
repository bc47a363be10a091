"""What the tests of the application class share."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

_DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def descriptors() -> Iterator[None]:
    """The same are open after the test as before, without the help of the garbage collector."""
    gc.disable()
    try:
        before = sorted(_DESCRIPTORS.iterdir())
        yield
        assert sorted(_DESCRIPTORS.iterdir()) == before
    finally:
        gc.enable()
