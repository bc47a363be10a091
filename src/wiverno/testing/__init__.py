"""For the tests of an application. Needs the extra `testing`."""

from wiverno.testing.client import TestClient

__all__ = ["TestClient"]
