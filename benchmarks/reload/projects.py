"""The generated projects, each with the one edit that is measured on it. Text, no files.

The answer of `GET /` is the version that was saved, six digits, so every edit keeps the size.
"""

from collections.abc import Mapping
from functools import cache, partial

from benchmarks.reload.many_modules import FIRST, LEAF, app_of_many, module_text, modules
from benchmarks.reload.project import Application, Project


def big400(name: str, edit: str, number: int) -> Project:
    """Of the many modules the one with this number is edited."""
    edited = f"shop/part_{number:03}.py"
    return Project(name, edit, edited, partial(module_text, number), partial(all_but, number))


def all_but(number: int) -> Mapping[str, str]:
    """The many modules and the one that shows the version of `number`, which is left out."""
    files = {**unchanging_modules(), "app.py": app_of_many(number)}
    del files[f"shop/part_{number:03}.py"]
    return files


@cache
def unchanging_modules() -> Mapping[str, str]:
    return modules()


def light(version: int) -> str:
    return LIGHT.format(version=version)


def flask(version: int) -> str:
    return FLASK.format(version=version)


def heavy(version: int) -> str:
    return HEAVY.format(version=version, more_imports="", tables=TABLES)


def heavy_import(version: int) -> str:
    return HEAVY.format(version=version, more_imports=more_imports(version), tables=TABLES)


def more_imports(version: int) -> str:
    """One more line for each version, as if every save had added an import."""
    names = [CHEAP_MODULES[number % len(CHEAP_MODULES)] for number in range(version - 1)]
    return "".join(f"import {name} as more_{at:03}\n" for at, name in enumerate(names))


# Of the standard library, small, and without other imports that cost.
CHEAP_MODULES = ("colorsys", "stringprep", "nturl2path", "sched", "rlcompleter", "netrc")

LIGHT = """\
VERSION = "{version:06d}"


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
"""

FLASK = '''\
"""A small shop."""

from flask import Flask, abort, jsonify, request

app = Flask(__name__)

VERSION = "{version:06d}"

ITEMS = {{1: {{"name": "chair", "price": 49}}, 2: {{"name": "table", "price": 199}}}}


@app.get("/")
def index():
    return VERSION


@app.get("/items")
def list_items():
    most = request.args.get("most", type=int, default=1000)
    return jsonify([item for item in ITEMS.values() if item["price"] <= most])


@app.get("/items/<int:number>")
def show_item(number):
    if number not in ITEMS:
        abort(404)
    return jsonify(ITEMS[number])


@app.post("/items")
def add_item():
    number = max(ITEMS) + 1
    ITEMS[number] = request.get_json()
    return jsonify(number=number), 201


@app.errorhandler(404)
def not_found(error):
    return jsonify(error=str(error)), 404
'''

# Of both heavy projects, this one and that of FastAPI.
TABLES = """\
FLATS = pd.DataFrame(
    {
        "district": ["north", "north", "south", "south", "east", "west"],
        "size": [40.0, 65.0, 52.0, 80.0, 33.0, 71.0],
        "price": [210.0, 320.0, 240.0, 350.0, 150.0, 300.0],
    }
)


class Table(DeclarativeBase):
    pass


class District(Table):
    __tablename__ = "district"

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    flats: Mapped[list["Flat"]] = relationship(back_populates="district")


class Flat(Table):
    __tablename__ = "flat"

    number: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[float]
    district_number: Mapped[int] = mapped_column(ForeignKey("district.number"))
    district: Mapped[District] = relationship(back_populates="flats")
"""

HEAVY = '''\
"""Prices of flats: a table, a model, a database."""

import json
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
{more_imports}
VERSION = "{version:06d}"

{tables}

engine = create_engine("sqlite://")


def index(query):
    return VERSION


def by_district(query):
    return json.dumps(FLATS.groupby("district")["price"].mean().to_dict())


def predict(query):
    model = make_pipeline(StandardScaler(), LinearRegression())
    model.fit(FLATS[["size"]].to_numpy(), FLATS["price"].to_numpy())
    size = float(query.get("size", ["50"])[0])
    return json.dumps(float(model.predict(np.array([[size]]))[0]))


def flats(query):
    Table.metadata.create_all(engine)
    with Session(engine) as session:
        return json.dumps([flat.size for flat in session.scalars(select(Flat))])


ROUTES = {{"/": index, "/districts": by_district, "/predict": predict, "/flats": flats}}


def app(environ, start_response):
    view = ROUTES.get(environ["PATH_INFO"])
    status = "404 Not Found" if view is None else "200 OK"
    body = "no such page" if view is None else view(parse_qs(environ["QUERY_STRING"]))
    start_response(status, [("Content-Type", "text/plain")])
    return [body.encode()]
'''

PROJECTS = (
    Project("light", "one file without imports", "app.py", light),
    Project("flask", "one file importing Flask", "app.py", flask, application=Application.FLASK),
    Project("heavy", "pandas, scikit-learn, SQLAlchemy; below the imports", "app.py", heavy),
    Project("heavy-import", "the same, an import line added", "app.py", heavy_import),
    big400("big400-leaf", "400 modules, a late leaf", LEAF),
    big400("big400-first", "400 modules, the one imported first", FIRST),
)
