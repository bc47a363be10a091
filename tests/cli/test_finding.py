"""Which application is taken where nobody has named one: by the files, and without an import."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wiverno.cli.failures import UserError
from wiverno.cli.finding import find
from wiverno.cli.flask_app import is_imported_in

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
# Whoever imports it has broken the promise.
TRAP = "raise SystemExit('was imported')\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"run.py": FLASK}, "run:app"),
        ({"app.py": FLASK}, "app:app"),
        ({"main.py": FLASK}, "main:app"),
        ({"wsgi.py": "application = make()"}, "wsgi:application"),
        ({"asgi.py": "async def app(scope, receive, send): ..."}, "asgi:app"),
        ({"api.py": "from fastapi import FastAPI\napp: FastAPI = FastAPI()"}, "api:app"),
        # Which file first.
        ({"app.py": FLASK, "run.py": FLASK, "wsgi.py": FLASK}, "run:app"),
        ({"main.py": FLASK, "app/__init__.py": FLASK}, "main:app"),
        ({"run.py": "print('no application')", "main.py": FLASK}, "main:app"),
        # Which name first.
        ({"app.py": "application = x()\napp = x()"}, "app:app"),
        ({"app.py": "def create_app(): ...\napp = create_app()"}, "app:app"),
        ({"app.py": "import flask\nsite = flask.Flask('x')"}, "app:site"),
        ({"app.py": "from flask import Flask as F\nsite = F('x')"}, "app:site"),
        ({"app.py": "import falcon.asgi\nsite = falcon.asgi.App()"}, "app:site"),
        ({"app.py": "def create_app(config=None, *, debug=True): ..."}, "app:create_app()"),
        ({"app.py": "def make_app(): ..."}, "app:make_app()"),
        # Packages, and folders that are none.
        ({"shop/__init__.py": FLASK}, "shop:app"),
        ({"shop/__init__.py": "", "shop/web.py": FLASK, "shop/main.py": FLASK}, "shop.main:app"),
        ({"src/main.py": FLASK}, "src.main:app"),
        ({"a/main.py": FLASK, "shop/__init__.py": FLASK}, "shop:app"),
        ({"shop/__init__.py": "def create_app(): ..."}, "shop:create_app()"),
        ({"tests/__init__.py": FLASK, "shop/app.py": FLASK}, "shop.app:app"),
        ({"v/main.py": FLASK, "v/pyvenv.cfg": "", "w/main.py": FLASK}, "w.main:app"),
        # Packages in `src`.
        ({"src/shop/__init__.py": FLASK}, "shop:app"),
        ({"src/shop/__init__.py": "", "src/shop/app.py": FLASK}, "shop.app:app"),
        ({"src/shop/__init__.py": "", "src/shop/main.py": FLASK}, "shop.main:app"),
        ({"src/shop/asgi.py": "async def app(scope, receive, send): ..."}, "shop.asgi:app"),
        ({"src/shop/__init__.py": "from shop.web import make as create_app",
          "src/shop/web.py": "def make(): ..."},
         "shop:create_app()"),
        ({"src/shop/main.py": FLASK, "main.py": FLASK}, "main:app"),
        ({"src/shop/main.py": FLASK, "store/__init__.py": FLASK}, "store:app"),
        ({"src/shop/main.py": FLASK, "backend/main.py": FLASK}, "shop.main:app"),
        ({"src/__init__.py": "", "src/main.py": FLASK, "src/shop/main.py": FLASK}, "src.main:app"),
        ({"src/main.py": f"import db\n{FLASK}", "src/db.py": ""}, "main:app"),
        ({"src/main.py": f"from src import db\n{FLASK}", "src/db.py": ""}, "src.main:app"),
        ({"wsgi.py": "from shop import site as app", "src/shop/__init__.py": "site = x()"},
         "wsgi:app"),
        # A package is what `import app` finds, beside a file of the same name.
        ({"app.py": FLASK, "app/__init__.py": "def create_app(): ..."}, "app:create_app()"),
        # From where it is imported.
        ({"run.py": "from shop import app", "shop/__init__.py": FLASK}, "run:app"),
        ({"run.py": "from shop.web import site as app", "shop/web.py": "site = x()"}, "run:app"),
        ({"run.py": "from shop import app", "shop/app.py": FLASK}, "shop.app:app"),
        ({"run.py": "from shop import create_app\nif __name__ == '__main__':\n app = create_app()",
          "shop/__init__.py": "from .web import create_app",
          "shop/web.py": "def create_app(): ..."},
         "run:create_app()"),
        ({"run.py": "from elsewhere import app"}, "run:app"),
        ({"a.py": "", "run.py": "import app", "app.py": FLASK}, "app:app"),
        ({"run.py": "app = web = None\nfrom main import app", "main.py": "from run import app"},
         "run:app"),
        # Below a condition, in a block.
        ({"app.py": "try:\n app = x()\nexcept E:\n app = None"}, "app:app"),
        ({"app.py": "app = None\nif x:\n app = y()\nelse:\n app = None"}, "app:app"),
        ({"app.py": "with x:\n app = y()"}, "app:app"),
        ({"app.py": "if TYPE_CHECKING:\n app = y()", "main.py": FLASK}, "main:app"),
        # What only looks like one.
        ({"app.py": "import typer\napp = typer.Typer()", "wsgi.py": FLASK}, "wsgi:app"),
        ({"main.py": "from celery import Celery\napp = Celery()", "wsgi.py": FLASK}, "wsgi:app"),
        ({"app.py": "app = 'shop'", "main.py": FLASK}, "main:app"),
        ({"app.py": "app: Flask", "main.py": FLASK}, "main:app"),
        ({"app.py": "def app(): ...", "main.py": FLASK}, "main:app"),
        ({"app.py": "@wsgi\ndef app(request): ..."}, "app:app"),
        ({"app.py": "class app:\n  ..."}, "app:app"),
        ({"app.py": "def create_app(config): ...", "main.py": FLASK}, "main:app"),
        # What cannot be told from the text.
        ({"run.py": "from web import *"}, "run:app"),
        ({"run.py": "app = (", "main.py": FLASK}, "run:app"),
        ({"main.py": "def f(:\n"}, "main:app"),
        # Django.
        ({"manage.py": MANAGE, "shop/wsgi.py": "application = x()"},
         "wiverno.frameworks.django:development()"),
        ({"manage.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'a.b'"},
         "wiverno.frameworks.django:development()"),
        ({"manage.py": MANAGE, "wsgi.py": FLASK}, "wiverno.frameworks.django:development()"),
        ({"manage.py": MANAGE, "main.py": FLASK}, "main:app"),
        ({"manage.py": FLASK}, "manage:app"),
    ],
)  # fmt: skip
def test_find_when_there_is_one_takes_it(
    tmp_path: Path, files: dict[str, str], target: str
) -> None:
    assert str(find(write(tmp_path, files), {}).target) == target


def test_find_when_for_production_takes_django_without_its_static_files(tmp_path: Path) -> None:
    found = find(write(tmp_path, {"manage.py": MANAGE}), {}, for_production=True)

    assert str(found.target) == "wiverno.frameworks.django:production()"
    assert found.line == (
        "Found wiverno.frameworks.django:production() (manage.py: Django with shop.settings)."
    )


def test_find_when_it_looks_imports_nothing(tmp_path: Path) -> None:
    files = {"main.py": TRAP + FLASK, "shop/__init__.py": TRAP, "shop/app.py": TRAP + FLASK}

    assert str(find(write(tmp_path, files), {}).target) == "main:app"


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"run.py": FLASK}, ""),
        (
            {"run.py": FLASK, "wsgi.py": "from run import app as application"},
            "Found run:app (app = Flask(…) in run.py:2). Also there: wsgi:application.",
        ),
        ({"main.py": FLASK}, "Found main:app (app = Flask(…) in main.py:2)."),
        (
            {"shop/__init__.py": "", "shop/wsgi.py": "from .web import create_app"},
            "Found shop.wsgi:create_app() (create_app from shop.web in shop/wsgi.py:1).",
        ),
        (
            {"app.py": "\n\ndef create_app(): ...\napplication = create_app()"},
            "Found app:application (application = create_app(…) in app.py:4). "
            "Also there: app:create_app().",
        ),
        (
            {"run.py": FLASK, ".flaskenv": "FLASK_APP=shop", ".env": ""},
            "Found run:app (app = Flask(…) in run.py:2). "
            ".flaskenv is not read without --env-file .flaskenv.",
        ),
        ({"main.py": "("}, "Found main:app (main.py cannot be parsed as it is now)."),
        (
            {f"{name}/app.py": FLASK for name in "abcdefg"},
            "Found a.app:app (app = Flask(…) in a/app.py:2). "
            "Also there: b.app:app, c.app:app, d.app:app, e.app:app, f.app:app and 1 more.",
        ),
    ],
)
def test_find_when_it_took_one_says_why_and_what_else_is_there(
    tmp_path: Path, files: dict[str, str], line: str
) -> None:
    assert find(write(tmp_path, files), {}).line == line


def test_django_project_when_it_is_taken_is_told_without_its_own_wsgi_and_asgi(
    tmp_path: Path,
) -> None:
    """They are what is served, by another name."""
    files = {"shop/wsgi.py": "application = x()", "shop/asgi.py": "application = x()"}
    found = find(write(tmp_path, {"manage.py": MANAGE, "site/app.py": FLASK, **files}), {})

    assert [str(each) for each in found.others] == ["site.app:app"]


@pytest.mark.parametrize("name", ["manage.py", "main.py", "pyproject.toml"])
def test_find_below_the_folder_of_a_project_names_that_folder(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {name: "", "shop/templates/page.html": ""}) / "shop/templates"

    with pytest.raises(UserError, match=f"{name} in {tmp_path}") as caught:
        find(folder, {})

    assert "start wiverno there" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "looked for app, application, create_app(), make_app() in run.py, app.py, main.py,"),
        ({}, "Give it as module:attribute, or write app = 'module:attribute' below [tool.wiverno]"),
        ({"models.py": "", "cli.py": ""}, "Here there are: cli.py, models.py."),
        ({"backend/manage.py": MANAGE}, "There is a manage.py in backend: start wiverno there."),
        (
            {"setup.py": "", "src/shop/__init__.py": "", "src/shop/web.py": FLASK},
            "src holds shop, shop.web: give 'shop.web:app'.",
        ),
        (
            {"backend/main.py": f"import db\n{FLASK}", "backend/db.py": ""},
            "backend/main.py imports 'db', which lies beside it: start wiverno in backend.",
        ),
        (
            {"backend/main.py": f"from db.models import x\n{FLASK}", "backend/db/__init__.py": ""},
            "backend/main.py imports 'db', which lies beside it: start wiverno in backend.",
        ),
        (
            {"app.py": "def create_app(config, *, debug): ..."},
            "app.py has create_app(config, debug), which needs arguments: write them as literals, "
            "as in 'app:create_app(\"config\", debug=True)', or app = create_app(…) in a module.",
        ),
        (
            {"main.py": "from typer import Typer\napp = Typer()"},
            "main.py has app = Typer(…), which is of typer and no web application.",
        ),
        ({"app.py": "def app(): ..."}, "app.py has app(), a function that is no application"),
        (
            {"app.py": "from flask import Flask\na = Flask('a')\nb = Flask('b')"},
            "app.py has several: a, b.",
        ),
    ],
)
def test_find_when_there_is_none_says_what_is_there_instead(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        find(write(tmp_path, files), {})

    assert said in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "files",
    [
        {"backend/__init__.py": "", "backend/main.py": f"from . import db\n{FLASK}"},
        {"backend/main.py": f"import backend.db\n{FLASK}"},
        {"backend/main.py": f"import db\n{FLASK}", "db.py": ""},
        {"backend/main.py": f"import somewhere\n{FLASK}"},
        {"backend/main.py": f"import logging, click\n{FLASK}", "backend/logging.py": ""},
        {"backend/main.py": f"import click\n{FLASK}", "backend/click.py": ""},
    ],
)
def test_find_when_what_it_imports_can_be_imported_from_here_takes_it(
    tmp_path: Path, files: dict[str, str]
) -> None:
    found = find(write(tmp_path, {"backend/db.py": "", **files}), {})

    assert str(found.target) == "backend.main:app"


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("hello", "hello:app"),
        ("hello.py", "hello:app"),
        ("./hello.py", "hello:app"),
        ("hello:site", "hello:site"),
        ("shop", "shop:create_app()"),
        ("shop.web", "shop.web:site"),
        ("shop/web.py", "shop.web:site"),
        ("shop/__init__.py", "shop:create_app()"),
        ("shop:create_app", "shop:create_app()"),
        ("shop:create_app()", "shop:create_app()"),
        ("shop:create_app('dev', debug=True)", "shop:create_app('dev', debug=True)"),
        (" shop : create_app ", "shop:create_app()"),
        ("shop.web:make", "shop.web:make()"),
        ("installed.package", "installed.package:app"),
        ("installed:create_app", "installed:create_app()"),
        ("installed:make", "installed:make"),
        ("broken", "broken:app"),
        ("broken:create", "broken:create"),
        ("src/store/main.py", "store.main:app"),
        ("store.main", "store.main:app"),
    ],
)
def test_find_when_flask_app_is_set_reads_it_as_flask_does(
    tmp_path: Path, value: str, target: str
) -> None:
    files = {
        "hello.py": FLASK + "site = x()",
        "shop/__init__.py": "from shop.web import make as create_app",
        "shop/web.py": "from flask import Flask\nsite = Flask('x')\ndef make(): ...",
        "broken.py": "(",
        "src/store/main.py": FLASK,
        "run.py": FLASK,
    }

    found = find(write(tmp_path, files), {"FLASK_APP": value})

    assert str(found.target) == target
    assert found.line.startswith(f"Found {target} (FLASK_APP={value.strip()}). Also there: run:app")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("src/hello.py", "lies in 'src', which is no package. Start wiverno there with 'hello'"),
        ("../hello.py", "lies outside of the current directory"),
        ("hello:create_app(config)", "has the argument 'config', which is no literal"),
        ("my-app", "App module 'my-app' is not a module name"),
    ],
)
def test_find_when_flask_app_leads_nowhere_says_what_to_do(
    tmp_path: Path, value: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        find(tmp_path, {"FLASK_APP": value})

    assert said in caught.value.message
    assert "FLASK_APP=" in caught.value.message


@pytest.mark.parametrize(
    ("path", "text", "is_there"),
    [
        ("app.py", "from flask import Flask\n", True),
        ("shop/web.py", "def make():\n    import flask.json\n", True),
        ("app.py", "from flask_like import Flask\n", False),
        ("app.py", "# import flask\n", False),
        ("tests/test_app.py", "import flask\n", False),
        ("a/b/app.py", "import flask\n", False),
        ("src/shop/app.py", "import flask\n", True),
    ],
)
def test_flask_when_the_project_imports_it_is_seen(
    tmp_path: Path, path: str, text: str, is_there: bool
) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)

    assert is_imported_in(tmp_path) is is_there
