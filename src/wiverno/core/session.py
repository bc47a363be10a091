"""Session: what a view keeps of a visitor. How it travels is in wiverno.sessions."""

import json
from collections.abc import Mapping
from typing import Any

from wiverno.core.exceptions import WivernoError


class SessionDataError(WivernoError, ValueError):
    """What a view put into the session cannot be kept in a cookie."""


class Session(dict[str, Any]):
    """A dictionary that is there again on the visitor's next request.

    Keys are text, values what JSON can hold; a tuple comes back as a list. Changes are seen
    wherever they are made, also deep inside a value.

    >>> session = Session({"cart": {"apples": 1}})
    >>> session["cart"]["apples"] += 1
    >>> session.modified
    True
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(values or {})
        # The text is compared, since no method of ours runs when a value inside one changes.
        self._as_read = _serialized(self)

    @property
    def modified(self) -> bool:
        """Whether it is other than it came. Raises `SessionDataError`."""
        return _serialized(self) != self._as_read


def _serialized(session: Mapping[str, Any]) -> str:
    for key in session:
        if not isinstance(key, str):
            # JSON would make text of a number, and the next request would not find it.
            raise SessionDataError(
                f"The key {key!r} of the session is of type {type(key).__name__}. Use text."
            )
    try:
        return json.dumps(session, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SessionDataError(
            f"The session cannot be kept as JSON: {error}. Put text, numbers, booleans, None, "
            "and lists and dictionaries of these into it."
        ) from error
