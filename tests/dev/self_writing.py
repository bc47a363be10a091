"""Small applications that write into their own project, one module for each way to do it.

Each `handle()` writes once and returns how often it has been called, as the disk tells.
Each has a folder of its own, which it lists while it is imported.
"""

from pathlib import Path

VERSION = "VERSION = {version}\n"

APP = """\
import importlib

from version import VERSION

WRITERS = {{name: importlib.import_module("writers." + name) for name in {names!r}}}


def app(environ, start_response):
    body = WRITERS[environ["PATH_INFO"][1:]].handle() if environ["PATH_INFO"] != "/" else "ready"
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Version", str(VERSION))])
    return [str(body).encode()]
"""

PRELUDE = """\
import os
from pathlib import Path

HERE = Path(__file__).with_name("{name}_files")
HERE.mkdir(exist_ok=True)
NAMES = os.listdir(HERE)
"""

WRITERS = {
    "log": """
import logging

logger = logging.getLogger("log")
logger.addHandler(logging.FileHandler(HERE / "app.log"))


def handle():
    logger.warning("asked")
    return len((HERE / "app.log").read_text().splitlines())
""",
    "rotating_log": """
import logging.handlers

path = HERE / "app.log"
count = int(path.read_text().split()[-1]) if path.exists() else 0
logger = logging.getLogger("rotating")
logger.addHandler(logging.handlers.RotatingFileHandler(path, maxBytes=20, backupCount=2))


def handle():
    global count
    count += 1
    logger.warning("asked %d", count)
    return path.read_text().split()[-1]
""",
    "sqlite_journal": """
import contextlib
import sqlite3


def handle():
    with contextlib.closing(sqlite3.connect(HERE / "data.db")) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS visits (number)")
        db.execute("INSERT INTO visits VALUES (1)")
        return db.execute("SELECT count(*) FROM visits").fetchone()[0]
""",
    "sqlite_wal": """
import sqlite3

db = sqlite3.connect(f"file:{HERE}/data.db", uri=True, check_same_thread=False)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS visits (number)")


def handle():
    with db:
        db.execute("INSERT INTO visits VALUES (1)")
    return db.execute("SELECT count(*) FROM visits").fetchone()[0]
""",
    "uploads": """
(HERE / "uploads").mkdir(exist_ok=True)
KNOWN = os.listdir(HERE / "uploads")


def handle():
    number = len(os.listdir(HERE / "uploads")) + 1
    (HERE / "uploads" / f"{number}.bin").write_bytes(bytes(5000))
    return len(os.listdir(HERE / "uploads"))
""",
    "upload_by_temporary_file": """
import shutil
import tempfile

(HERE / "uploads").mkdir(exist_ok=True)


def handle():
    with tempfile.NamedTemporaryFile(dir=HERE, delete=False) as file:
        file.write(bytes(5000))
    number = len(os.listdir(HERE / "uploads")) + 1
    shutil.move(file.name, HERE / "uploads" / f"{number}.bin")
    return len(os.listdir(HERE / "uploads"))
""",
    "json_state": """
import json

path = HERE / "state.json"
state = json.loads(path.read_text()) if path.exists() else {"count": 0}


def handle():
    state["count"] += 1
    path.write_text(json.dumps(state))
    return json.loads(path.read_text())["count"]
""",
    "json_state_by_rename": """
import json
import tempfile

path = HERE / "state.json"


def load():
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {"count": 0}


state = load()


def handle():
    state["count"] += 1
    fd, name = tempfile.mkstemp(dir=HERE)
    with open(fd, "w") as file:
        json.dump(state, file)
    os.replace(name, path)
    return load()["count"]
""",
    "counter": """
path = HERE / "counter"
if not path.exists():
    path.write_text("0")


def handle():
    with path.open("r+") as file:
        number = int(file.read()) + 1
        file.seek(0)
        file.write(str(number))
    return number
""",
    "pid_file": """
(HERE / "app.pid").write_text(str(os.getpid()))
number = int((HERE / "count").read_text()) if (HERE / "count").exists() else 0


def handle():
    global number
    number += 1
    assert (HERE / "app.pid").read_text() == str(os.getpid())
    (HERE / "count").write_text(str(number))
    return number
""",
    "shelf": """
import shelve


def handle():
    with shelve.open(str(HERE / "shelf")) as shelf:
        shelf["count"] = shelf.get("count", 0) + 1
        return shelf["count"]
""",
    "dumb_shelf_from_the_import_on": """
import dbm.dumb
import shelve

shelf = shelve.Shelf(dbm.dumb.open(str(HERE / "shelf")))


def handle():
    shelf["count"] = shelf.get("count", 0) + 1
    shelf.sync()
    return shelf["count"]
""",
    "template_cache": """
import jinja2

(HERE / "count.txt").touch()
(HERE / "page.html").write_text("{{ count }}")


def handle():
    with (HERE / "count.txt").open("a") as file:
        file.write("x")
    cache = jinja2.FileSystemBytecodeCache(HERE)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), bytecode_cache=cache)
    return environment.get_template("page.html").render(count=(HERE / "count.txt").stat().st_size)
""",
    "module_written_if_it_differs": """
SOURCE = "def count(path): return path.stat().st_size"
generated = Path(__file__).with_name("generated_if_different.py")
if not generated.exists() or generated.read_text() != SOURCE:
    generated.write_text(SOURCE)
from writers.generated_if_different import count


def handle():
    with (HERE / "count").open("a") as file:
        file.write("x")
    return count(HERE / "count")
""",
    "module_written_always": """
Path(__file__).with_name("generated_always.py").write_text(
    "def count(path): return path.stat().st_size"
)
from writers.generated_always import count


def handle():
    with (HERE / "count").open("a") as file:
        file.write("x")
    return count(HERE / "count")
""",
    "compiled_template": """
# As Mako writes its modules: run, never imported.
def handle():
    path = HERE / "page_html.py"
    number = len(path.read_text()) + 1 if path.exists() else 1
    path.write_text("#" * number)
    exec(compile(path.read_text(), str(path), "exec"))
    return number
""",
    "bytecode": """
import compileall
import py_compile


def handle():
    py_compile.compile(__file__)
    compileall.compile_dir(HERE.parent, quiet=1, force=True)
    with (HERE / "count").open("a") as file:
        file.write("x")
    return (HERE / "count").stat().st_size
""",
    "instance_folder": """
import flask

(HERE / "settings.cfg").touch()
application = flask.Flask(__name__, instance_path=str(HERE), instance_relative_config=True)
application.config.from_pyfile("settings.cfg")


def handle():
    with application.open_instance_resource("visits.txt", "a") as file:
        file.write("visit\\n")
    with application.open_instance_resource("visits.txt", "r") as file:
        return len(file.read().splitlines())
""",
}


def write_project(project: Path, *names: str) -> None:
    """An application with the writers of these names; by default with all."""
    writers = project / "writers"
    writers.mkdir()
    (writers / "__init__.py").touch()
    for name in names or WRITERS:
        (writers / f"{name}.py").write_text(PRELUDE.format(name=name) + WRITERS[name])
    (project / "version.py").write_text(VERSION.format(version=1))
    (project / "app.py").write_text(APP.format(names=names or tuple(WRITERS)))
