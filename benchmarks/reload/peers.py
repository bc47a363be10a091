"""The servers that are compared: what each needs and how it is started. Data, no processes.

Each is started as its documentation says, with reloading on and everything else as it comes.
`{bin}` is the folder of the programs, `{python}` the interpreter there, `{port}` the port and
`{app}` the application, where it is not the same for all that the server runs.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Form(Enum):
    """What a server takes. `forms` has what leads it to an application of another kind."""

    ANY = "any"
    """It finds the application and sees what it is."""
    WSGI = "wsgi"
    ASGI = "asgi"
    FASTAPI = "fastapi"
    FLASK = "flask"
    DJANGO = "django"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    requirements: tuple[str, ...]
    command: str
    """As a shell would take it; nothing but the names in braces is replaced."""
    form: Form = Form.WSGI
    patches: bool = False
    """Changes the running process in place. What it serves is not what a start would give."""
    needs: str = ""
    """What stands in the way on some machines."""

    @property
    def is_wiverno(self) -> bool:
        return self.name.startswith("wiverno")


PEERS = (
    Peer(
        "uvicorn",
        # What `uvicorn[standard]` installs, by name.
        (
            *("uvicorn", "watchfiles", "httptools", "uvloop", "websockets", "python-dotenv"),
            *("pyyaml", "a2wsgi"),
        ),
        "{bin}/uvicorn --reload --port {port} {app}",
        Form.ASGI,
    ),
    Peer(
        "fastapi-dev",
        ("fastapi", "fastapi-cli", "uvicorn", "watchfiles", "httptools", "uvloop"),
        "{bin}/fastapi dev --port {port}",
        Form.FASTAPI,
    ),
    Peer(
        "flask-stat",
        ("flask",),
        # What `flask run` does where watchdog is not installed.
        "{python} flask_without_watchdog.py --app flask_app:app run --debug --port {port}",
        Form.FLASK,
    ),
    Peer(
        "flask-watchdog",
        ("flask", "watchdog"),
        "{bin}/flask --app flask_app:app run --debug --port {port}",
        Form.FLASK,
    ),
    Peer(
        "django",
        ("django",),
        "{python} manage.py runserver {port}",
        Form.DJANGO,
    ),
    Peer(
        "gunicorn-poll",
        ("gunicorn",),
        "{bin}/gunicorn --reload --reload-engine poll --bind 127.0.0.1:{port} app:app",
    ),
    Peer(
        "gunicorn-inotify",
        ("gunicorn", "inotify"),
        "{bin}/gunicorn --reload --reload-engine inotify --bind 127.0.0.1:{port} app:app",
    ),
    Peer(
        "granian",
        ("granian", "watchfiles"),
        "{bin}/granian --reload --interface wsgi --port {port} app:app",
    ),
    Peer(
        "hypercorn",
        ("hypercorn",),
        "{bin}/hypercorn --reload --bind 127.0.0.1:{port} wsgi:app:app",
    ),
    Peer(
        "hupper-waitress",
        ("hupper", "watchdog", "waitress"),
        "{bin}/hupper -m waitress --listen=127.0.0.1:{port} app:app",
    ),
    Peer(
        "watchfiles-waitress",
        ("watchfiles", "waitress"),
        "{bin}/watchfiles --filter python "
        "'{bin}/waitress-serve --listen=127.0.0.1:{port} app:app' .",
    ),
    Peer(
        "jurigged-werkzeug",
        ("jurigged", "werkzeug"),
        "{bin}/jurigged serve.py {port}",
        Form.SCRIPT,
        patches=True,
    ),
    Peer(
        "uvicorn-hmr",
        ("uvicorn-hmr", "a2wsgi"),
        "{bin}/uvicorn-hmr {app} --port {port}",
        Form.ASGI,
        patches=True,
        needs="Python 3.12 or newer",
    ),
)

WIVERNO_COMMAND = "{python} -m wiverno run dev --port {port}"

AUTO = "wiverno-auto"
"""As it comes: it picks one of the strategies that have rows of their own."""


def wiverno_peers(help_text: str) -> tuple[Peer, ...]:
    """wiverno itself, once with each strategy that `wiverno run dev --help` offers."""
    offered = re.search(r"--reload-strategy\s+\[([\w|]+)\]", help_text)
    if offered is None:
        return (Peer("wiverno-spawn", ("wiverno",), WIVERNO_COMMAND, Form.ANY),)
    return (
        Peer(AUTO, ("wiverno",), WIVERNO_COMMAND, Form.ANY),
        *(
            Peer(
                f"wiverno-{strategy}",
                ("wiverno",),
                f"{WIVERNO_COMMAND} --reload-strategy {strategy}",
                Form.ANY,
            )
            for strategy in offered[1].split("|")
            if strategy != "auto"
        ),
    )
