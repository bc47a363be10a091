"""Which servers run which applications, and the files that lead them there. Data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.reload.peers import Form
from benchmarks.reload.project import Application

FLASK_APP = """\
from flask import Flask

from app import app as wsgi

app = Flask(__name__)
app.wsgi_app = wsgi
"""

NATIVE_FLASK_APP = """\
from app import app
"""

FLASK_WITHOUT_WATCHDOG = """\
import sys

sys.modules["watchdog"] = None

from flask.cli import main

main()
"""

ASGI = """\
from a2wsgi import WSGIMiddleware

from app import app as wsgi

app = WSGIMiddleware(wsgi)
"""

MANAGE = """\
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""

SETTINGS = """\
SECRET_KEY = "a benchmark"
DEBUG = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = []
WSGI_APPLICATION = "app.app"
USE_TZ = True
"""

SERVE = """\
import sys

from werkzeug.serving import run_simple

from app import app

run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a server of one form comes to an application of one kind."""

    app: str = ""
    """The `{app}` of the server's command."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What the project lacks: name → text."""


_WSGI = {
    Form.ANY: Entry(),
    Form.WSGI: Entry("app:app"),
    Form.ASGI: Entry("asgi:app", {"asgi.py": ASGI}),
    Form.DJANGO: Entry(files={"manage.py": MANAGE, "settings.py": SETTINGS}),
    Form.SCRIPT: Entry(files={"serve.py": SERVE}),
}

_ENTRIES: Mapping[Application, Mapping[Form, Entry]] = {
    Application.WSGI: {
        **_WSGI,
        Form.FLASK: Entry(
            "flask_app:app",
            {"flask_app.py": FLASK_APP, "flask_without_watchdog.py": FLASK_WITHOUT_WATCHDOG},
        ),
    },
    Application.FLASK: {
        **_WSGI,
        Form.FLASK: Entry(
            "flask_app:app",
            {"flask_app.py": NATIVE_FLASK_APP, "flask_without_watchdog.py": FLASK_WITHOUT_WATCHDOG},
        ),
    },
    Application.FASTAPI: {
        Form.ANY: Entry(),
        Form.ASGI: Entry("main:app"),
        Form.FASTAPI: Entry(),
    },
    Application.DJANGO: {Form.ANY: Entry(), Form.DJANGO: Entry()},
}


def entry_of(form: Form, application: Application) -> Entry | None:
    """None where servers of this form do not run such an application."""
    return _ENTRIES[application].get(form)
