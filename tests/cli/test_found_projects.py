"""Projects of frameworks, started without a word about where their application is."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.application.running_program import WIVERNO, RunningProgram, free_port

pytestmark = pytest.mark.processes

FLASK = """\
import os
from flask import Flask

app = Flask(__name__)

@app.get("/")
def show():
    return f"{os.environ.get('GREETING')} debug={app.debug}"
"""
MANAGE = """\
import os, sys

def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)

if __name__ == "__main__":
    main()
"""
SETTINGS = """\
import os
DEBUG = True
SECRET_KEY = "-"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "static/"
STATICFILES_DIRS = ["assets"]
NAME = os.environ.get("NAME", "none")
"""
URLS = """\
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse(f"first {settings.NAME}"))]
"""
DJANGO = {
    "manage.py": MANAGE,
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS,
    "shop/urls.py": URLS,
    "assets/style.css": "body {}",
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@contextlib.contextmanager
def running(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[RunningProgram, int]]:
    port = free_port()
    command = [*WIVERNO, *words, "-p", str(port)]
    with RunningProgram(command, folder, environment) as program:
        yield program, port
        assert program.end() == 0


@pytest.mark.parametrize("strategy", ["fork", "spawn"])
def test_dev_of_a_flask_project_when_its_environment_file_is_saved_serves_the_new_values(
    tmp_path: Path, strategy: str
) -> None:
    write(tmp_path, {"web.py": FLASK, ".env": "FLASK_APP=web\nGREETING=first\n"})
    words = ("run", "dev", "--env-file", ".env", "--reload-strategy", strategy)

    with running(tmp_path, *words) as (program, port):
        assert program.get(port) == (200, "first debug=True")
        write(tmp_path, {".env": "GREETING=other\n"})
        assert program.get(port) == (200, "other debug=True")
        write(tmp_path, {".env": "GREETING='open\n"})
        status, page = program.get(port)
        assert (status, "GREETING" in page, "line 1" in page) == (500, True, True)
        write(tmp_path, {".env": "GREETING=healed\nFLASK_DEBUG=0\n"})
        assert program.get(port) == (200, "healed debug=False")
        if strategy == "fork":
            (tmp_path / ".env").unlink()
            assert program.get(port) == (200, "None debug=True")
        assert "Found web:app (FLASK_APP=web)." in program.output


def test_dev_when_the_environment_has_the_variable_leaves_it_alone(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": FLASK, "a": "GREETING=a\nFLASK_DEBUG=1\n", "b": "GREETING=b\n"})
    environment = {"FLASK_DEBUG": "0"}

    words = ("run", "dev", "--env-file", "a", "--env-file", "b")
    with running(tmp_path, *words, environment=environment) as (program, port):
        assert program.get(port) == (200, "b debug=False")


def test_dev_when_an_environment_file_is_saved_while_a_process_starts_serves_the_new_value(
    tmp_path: Path,
) -> None:
    # Behind the supervisor's look at the file, before the process looks.
    saving = (
        "import os\n"
        "mine = os.environ.get('WIVERNO_SESSION', '')\n"
        "if '.00000001.' in mine and not os.path.exists('saved'):\n"
        "    open('saved', 'w').close()\n"
        "    open('.env', 'w').write('GREETING=second\\n')\n"
    )
    write(tmp_path, {"app.py": FLASK, ".env": "GREETING=first\n", "path/sitecustomize.py": saving})
    environment = {"PYTHONPATH": f"{tmp_path / 'path'}:{os.environ.get('PYTHONPATH', '')}"}
    words = ("run", "dev", "--env-file", ".env", "--reload-strategy", "spawn")

    with running(tmp_path, *words, environment=environment) as (program, port):
        assert program.get(port) == (200, "second debug=True")


@pytest.mark.parametrize("strategy", ["fork", "spawn"])
def test_dev_of_a_django_project_serves_pages_static_files_and_every_change(
    tmp_path: Path, strategy: str
) -> None:
    write(tmp_path, DJANGO)

    with running(tmp_path, "run", "dev", "--reload-strategy", strategy) as (program, port):
        assert program.get(port) == (200, "first none")
        assert program.get(port, "/static/style.css") == (200, "body {}")
        write(tmp_path, {"shop/urls.py": URLS.replace("first", "second")})
        assert program.get(port) == (200, "second none")
        write(tmp_path, {"shop/settings.py": SETTINGS.replace('"none"', '"other"')})
        assert program.get(port) == (200, "second other")
        # Another module of settings, without static files.
        write(tmp_path, {"shop/live.py": SETTINGS.replace("True", "False")})
        write(tmp_path, {"manage.py": MANAGE.replace("settings", "live")})
        assert program.get(port) == (200, "second none")
        assert program.get(port, "/static/style.css")[0] == 404
        assert "(manage.py: Django with shop.settings)" in program.output
        shown = [line for line in program.output.splitlines() if "Debug Mode: " in line]
        assert ("ON" in shown[0], "OFF" in shown[-1]) == (True, True)


def test_dev_of_a_django_project_when_it_is_broken_shows_the_page_and_heals(
    tmp_path: Path,
) -> None:
    write(tmp_path, DJANGO | {"shop/urls.py": URLS + "broken("})
    write(tmp_path, {"shop/settings.py": SETTINGS + "broken("})

    with running(tmp_path, "run", "dev") as (program, port):
        status, page = program.get(port)
        assert (status, "SyntaxError" in page, "shop/settings.py" in page) == (500, True, True)
        assert "wiverno/frameworks/django.py" not in page
        write(tmp_path, DJANGO)
        assert program.get(port) == (200, "first none")
        write(tmp_path, {"shop/settings.py": SETTINGS + 'WSGI_APPLICATION = "shop.urls.nothing"'})
        # Where nothing of the user's is in the traceback, the sentence says it all.
        status, page = program.get(port)
        assert (status, "shop.urls has no 'nothing'" in page) == (500, True)
        assert "wiverno/frameworks/django.py" not in page


def test_dev_of_a_django_project_when_its_template_settings_are_wrong_shows_the_page(
    tmp_path: Path,
) -> None:
    """As `runserver` would refuse to start, and not with the first view that renders."""
    write(tmp_path, DJANGO)
    with running(tmp_path, "run", "dev") as (program, port):
        first = program.get(port)
        write(tmp_path, {"shop/settings.py": SETTINGS + "TEMPLATES = [{'BACKEND': 'nobody'}]\n"})
        status, page = program.get(port)

    assert first == (200, "first none")
    assert (status, "nobody" in page) == (500, True)


def test_dev_of_a_django_project_with_asgi_serves_pages_static_files_and_every_change(
    tmp_path: Path,
) -> None:
    pytest.importorskip("uvicorn")
    made = (
        "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"
    )
    named = 'ASGI_APPLICATION = "shop.asgi.application"\n'
    write(tmp_path, DJANGO | {"shop/asgi.py": made, "shop/settings.py": SETTINGS + named})

    with running(tmp_path, "run", "dev") as (program, port):
        assert program.get(port) == (200, "first none")
        assert program.get(port, "/static/style.css") == (200, "body {}")
        write(tmp_path, {"shop/urls.py": URLS.replace("first", "second")})
        assert program.get(port) == (200, "second none")


def test_prod_of_a_django_project_leaves_static_files_to_others(tmp_path: Path) -> None:
    write(tmp_path, DJANGO | {"live.env": "NAME=live\n"})

    with running(tmp_path, "run", "prod", "--env-file", "live.env") as (program, port):
        assert program.get(port) == (200, "first live")
        assert program.get(port, "/static/style.css")[0] == 404
        assert "production() (manage.py: Django with shop.settings)" in program.output


def test_django_project_when_it_names_its_applications_gets_those(tmp_path: Path) -> None:
    made = "from django.core.{0} import get_{0}_application as get\napplication = get()\n"
    write(tmp_path, DJANGO | {f"shop/{kind}.py": made.format(kind) for kind in ("wsgi", "asgi")})
    program = (
        "from wiverno.frameworks.django import development, production\n"
        "made = development(), production()\n"
        "print([type(each).__name__ for each in made], made[0].debug)\n"
        "import sys; print([name for name in ('shop.wsgi', 'shop.asgi') if name in sys.modules])\n"
    )
    wsgi = 'WSGI_APPLICATION = "shop.wsgi.application"\n'
    asgi = 'ASGI_APPLICATION = "shop.asgi.application"\n'
    shown = []

    for lines in (wsgi, wsgi + asgi, "DEBUG = False"):
        write(tmp_path, {"shop/settings.py": SETTINGS + lines})
        command = [*WIVERNO[:1], "-B", "-c", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
        shown.append(done.stdout.splitlines() or done.stderr)

    assert shown == [
        ["['StaticFilesHandler', 'WSGIHandler'] True", "['shop.wsgi']"],
        ["['ASGIStaticFilesHandler', 'ASGIHandler'] True", "['shop.asgi']"],
        ["['WSGIHandler', 'WSGIHandler'] False", "[]"],
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Neither DJANGO_SETTINGS_MODULE nor manage.py in the current directory names"),
        (
            DJANGO | {"shop/settings.py": SETTINGS + 'WSGI_APPLICATION = "shop.urls.nothing"'},
            "WSGI_APPLICATION = 'shop.urls.nothing' names nothing: shop.urls has no 'nothing'.",
        ),
    ],
)
def test_django_project_when_there_is_none_is_one_line(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    write(tmp_path, files)
    command = [*WIVERNO, "run", "prod", "wiverno.frameworks.django:production()"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_imports_and_routes_find_the_application_and_its_environment(tmp_path: Path) -> None:
    source = (
        "import os\nfrom wiverno import Wiverno\n"
        "app = Wiverno()\napp.get(os.environ['PLACE'])(lambda request: '')\n"
    )
    config = "[tool.wiverno]\napp = 'shop.web:app'\nenv-file = ['.env', 'absent.env']\n"
    write(tmp_path, {"shop/web.py": source, ".env": "PLACE=/here", "pyproject.toml": config})

    routes = subprocess.run(
        [*WIVERNO, "routes"], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    imports = subprocess.run(
        [*WIVERNO, "imports", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert "/here" in routes.stdout
    assert '"target": "shop.web:app", "failure": null' in imports.stdout
    assert (routes.stderr, imports.stderr) == ("", "")
