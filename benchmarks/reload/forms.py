"""The files that lead each kind of server to the WSGI application `app` of `app.py`."""

from benchmarks.reload.peers import Form

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


def files_of(form: Form, *, is_flask: bool) -> dict[str, str]:
    """File name → text. `is_flask`: `app` is a Flask application already."""
    match form:
        case Form.WSGI:
            return {}
        case Form.ASGI:
            return {"asgi.py": ASGI}
        case Form.FLASK:
            return {
                "flask_app.py": NATIVE_FLASK_APP if is_flask else FLASK_APP,
                "flask_without_watchdog.py": FLASK_WITHOUT_WATCHDOG,
            }
        case Form.DJANGO:
            return {"manage.py": MANAGE, "settings.py": SETTINGS}
        case Form.SCRIPT:
            return {"serve.py": SERVE}
