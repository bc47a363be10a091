"""What the documented examples leave open: the names before them and the project around them."""

from pathlib import Path

IMPORT_DEV_SERVER = "from wiverno.dev.dev_server import DevServer\n"
IMPORT_RUN_SERVER = "from wiverno.core.server import RunServer\n"
DEFINE_APP = """from wiverno import Wiverno

app = Wiverno()


@app.get("/")
def home(request):
    return "Hello from the script"


"""

_MODULE = """from wiverno import Wiverno

app = application = Wiverno()


@app.get("/")
def home(request):
    return "Hello from {name}"
"""

_MAIN = """from myapp import routes
from wiverno import Wiverno

app = Wiverno()
app.include_router(routes.router)
"""

_ROUTES = """from wiverno import Router

router = Router()


@router.get("/")
def home(request):
    return "Hello from myapp.main"
"""


def write_project(folder: Path) -> None:
    """The modules that the examples name, each with an application that says where it is."""
    for file, text in {
        "run.py": _MODULE.format(name="run"),
        "myapp/__init__.py": _MODULE.format(name="myapp"),
        "myapp/main.py": _MAIN,
        "myapp/routes.py": _ROUTES,
        "myproject/__init__.py": "",
        "myproject/api.py": _MODULE.format(name="myproject.api"),
        "shared/__init__.py": "",
        "config/__init__.py": "",
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")


def write_module(folder: Path, file: str, name: str) -> None:
    """One module with an application that says `Hello from NAME`."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(_MODULE.format(name=name), encoding="utf-8")
