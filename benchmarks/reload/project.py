"""What a project is, and what kinds of application there are. No text of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum


class Application(Enum):
    """What a project's servers have to run."""

    WSGI = "wsgi"
    """`app` in `app.py`, of no framework."""
    FLASK = "flask"
    """The same, and a Flask application."""
    FASTAPI = "fastapi"
    """`app` in `main.py`."""
    DJANGO = "django"
    """What `manage.py` names the settings of."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project and the edit on it. `edited` is the file that is saved."""

    name: str
    edit: str
    edited: str
    text: Callable[[int], str]
    """The edited file as a version has it."""
    other_files: Callable[[], Mapping[str, str]] = dict
    """What never changes: path → text."""
    application: Application = Application.WSGI
    path: str = "/"
    """Whose answer is the version that was saved."""
    own_servers: tuple[str, ...] = ()
    """The peers that the framework's own documentation develops with."""
    promised: str = ""
    """What was promised from the save to the fresh answer."""
