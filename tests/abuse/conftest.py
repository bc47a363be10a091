"""Guards of the abuse cases."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


def _open_sockets() -> set[str]:
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(each)  # noqa: PTH115  The raw text.
        except OSError:
            continue  # The descriptor of the listing itself.
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    threads, sockets = set(threading.enumerate()), _open_sockets()
    yield
    assert set(threading.enumerate()) - threads == set()
    assert _open_sockets() - sockets == set()
