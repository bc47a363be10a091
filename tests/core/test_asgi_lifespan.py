"""What an exception out of a lifespan means: no lifespan, or one that cannot start."""

import pytest

from wiverno.core.asgi_lifespan import means_no_lifespan


@pytest.mark.parametrize(
    ("error", "has_received", "has_sent_other", "has_none"),
    [
        # Before it has taken `lifespan.startup`: it does not know the scope.
        (AssertionError(), False, False, True),
        (ValueError("Django can only handle HTTP"), False, False, True),
        (KeyError("path"), False, False, True),
        # It takes any scope for a request.
        (KeyError("path"), True, False, True),
        (KeyError("method"), True, False, True),
        (RuntimeError("unexpected message"), True, True, True),
        # It knows what it was asked for.
        (RuntimeError("no database"), True, False, False),
        (KeyError("DATABASE_URL"), True, False, False),
        (KeyError(), True, False, False),
        # Nobody raises these to say that a scope is not known.
        (SystemExit(1), False, False, False),
        (KeyboardInterrupt(), False, False, False),
    ],
)  # fmt: skip
def test_means_no_lifespan_when_it_raises_goes_by_what_it_had_done(
    error: BaseException, has_received: bool, has_sent_other: bool, has_none: bool
) -> None:
    assert (
        means_no_lifespan(error, has_received=has_received, has_sent_other=has_sent_other)
        is has_none
    )
