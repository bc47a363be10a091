"""What this process is in a dev session; None outside of one.

`__main__` is never run again in a candidate, but the application may import the very
script that calls `DevServer.serve()`: that call has to know where it runs.
"""

from enum import StrEnum

SESSION_VARIABLE = "WIVERNO_SESSION"
"""Environment variable in every process of a session and of its application.

`<session>.<number>.`, the number of a worker or candidate; or what else the process is in its
place: `pages`, `template`, or a letter and a pid.
"""


class Role(StrEnum):
    WORKER = "worker"
    PAGES = "pages"
    TEMPLATE = "template"


def session_mark(session_id: str, role: Role) -> str:
    return f"{session_id}.{role}."


def worker_mark(session_id: str, number: int) -> str:
    """All of one width, so that a forked process can write its own over its parent's.

    `number` counts processes: one may wait before anybody knows for which generation.
    """
    return f"{session_id}.{number:08d}."


def snapshot_mark(session_id: str, pid: int) -> str:
    """Of a paused process: no longer that of the generation that it was."""
    return f"{session_id}.s{pid:07d}."


def trial_mark(session_id: str, template_pid: int) -> str:
    """Of the processes in which a template tries out what it may import."""
    return f"{session_id}.t{template_pid:07d}."


def session_of(mark: str) -> str:
    """The session's id."""
    return mark.partition(".")[0]


_role: Role | None = None


def current_role() -> Role | None:
    return _role


def take_role(role: Role) -> None:
    global _role
    _role = role
