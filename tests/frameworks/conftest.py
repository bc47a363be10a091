"""What is asserted outside of the test modules is shown as inside of them."""

import pytest

pytest.register_assert_rewrite("tests.frameworks.cells")
