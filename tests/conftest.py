"""What every test stands on."""

import os
from collections.abc import Iterator

import pytest

# Set, it hides the stale bytecode that two saves in one second leave; children inherit it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session", autouse=True)
def own_cache_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sessions of tests leave nothing in the user's caches, and find nothing there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
