"""What this process is in a dev session; None outside of one.

`__main__` is never run again in a candidate, but the application may import the very
script that calls `DevServer.serve()`: that call has to know where it runs.
"""

from enum import StrEnum

SESSION_VARIABLE = "WIVERNO_SESSION"
"""Environment variable in every process of a session and of its application.

`<session>.<generation>.`, or `<session>.pages.`
"""


class Role(StrEnum):
    WORKER = "worker"
    PAGES = "pages"


_role: Role | None = None


def current_role() -> Role | None:
    return _role


def take_role(role: Role) -> None:
    global _role
    _role = role
