"""What every test stands on."""

import os

# Set, it hides the stale bytecode that two saves in one second leave; children inherit it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
