"""Applications of frameworks that bring a development server of their own. Text, no files.

Like `projects`: the answer of the project's path is the version that was saved, six digits.
"""

from benchmarks.reload.django_project import PATH_OF, SETTINGS, TEMPLATE, VIEWS, all_but, text_of
from benchmarks.reload.project import Application, Project
from benchmarks.reload.projects import TABLES

VERSION = "@VERSION@"


def fastapi(version: int) -> str:
    return FASTAPI.replace(VERSION, f"{version:06d}")


def heavy_asgi(version: int) -> str:
    return HEAVY_ASGI.replace("@TABLES@\n", TABLES).replace(VERSION, f"{version:06d}")


def django(name: str, edit: str, edited: str, promised: str) -> Project:
    """One of the edits on the Django project."""
    return Project(
        name,
        edit,
        edited,
        text_of(edited),
        all_but(edited),
        Application.DJANGO,
        PATH_OF[edited],
        ("django",),
        promised,
    )


FASTAPI = '''\
"""A small shop."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

VERSION = "@VERSION@"


class Item(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    price: float = Field(gt=0)
    tags: list[str] = []


class StoredItem(Item):
    number: int


class Refused(Exception):
    """An order that the shop does not take."""


class Shop:
    def __init__(self) -> None:
        self.items = {
            1: StoredItem(number=1, name="chair", price=49),
            2: StoredItem(number=2, name="table", price=199, tags=["wood"]),
        }

    def add(self, item: Item) -> StoredItem:
        number = max(self.items) + 1
        self.items[number] = StoredItem(number=number, **item.model_dump())
        return self.items[number]


shop = Shop()


def get_shop() -> Shop:
    return shop


ShopInUse = Annotated[Shop, Depends(get_shop)]

items = APIRouter(prefix="/items", tags=["items"])


@items.get("")
async def list_items(
    shop: ShopInUse, most: Annotated[float, Query(gt=0)] = 1000
) -> list[StoredItem]:
    return [item for item in shop.items.values() if item.price <= most]


@items.get("/{number}")
async def show_item(number: int, shop: ShopInUse) -> StoredItem:
    if number not in shop.items:
        raise HTTPException(404, "no such item")
    return shop.items[number]


@items.post("", status_code=201)
async def add_item(item: Item, shop: ShopInUse) -> StoredItem:
    return shop.add(item)


@items.post("/{number}/order")
async def order_item(number: int, count: Annotated[int, Query(gt=0)], shop: ShopInUse) -> dict:
    if count > 100:
        raise Refused(f"{count} of {number}")
    return {"cents": round(shop.items[number].price * count * 100)}


app = FastAPI(title="Shop")
app.include_router(items)


@app.exception_handler(Refused)
async def refused(request: Request, error: Refused) -> JSONResponse:
    return JSONResponse({"refused": str(error)}, status_code=409)


@app.middleware("http")
async def name_the_shop(request: Request, call_next):
    response = await call_next(request)
    response.headers["X-Shop"] = "small"
    return response


@app.get("/")
async def index() -> PlainTextResponse:
    return PlainTextResponse(VERSION)
'''

HEAVY_ASGI = '''\
"""Prices of flats: a table, a model, a database."""

from typing import Annotated

import numpy as np
import pandas as pd
from fastapi import Depends, FastAPI, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

VERSION = "@VERSION@"

@TABLES@


class NewFlat(BaseModel):
    size: float
    district: str


engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)


def session():
    Table.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened


Database = Annotated[Session, Depends(session)]

app = FastAPI(title="Flats")


@app.get("/")
async def index() -> PlainTextResponse:
    return PlainTextResponse(VERSION)


@app.get("/districts")
def by_district() -> dict[str, float]:
    return FLATS.groupby("district")["price"].mean().to_dict()


@app.get("/predict")
def predict(size: Annotated[float, Query(gt=0)] = 50.0) -> float:
    model = make_pipeline(StandardScaler(), LinearRegression())
    model.fit(FLATS[["size"]].to_numpy(), FLATS["price"].to_numpy())
    return float(model.predict(np.array([[size]]))[0])


@app.get("/flats")
def flats(database: Database) -> list[float]:
    return [flat.size for flat in database.scalars(select(Flat))]


@app.post("/flats", status_code=201)
def add_flat(flat: NewFlat, database: Database) -> int:
    stored = Flat(size=flat.size, district=District(name=flat.district))
    database.add(stored)
    database.commit()
    return stored.number
'''

FRAMEWORK_PROJECTS = (
    Project(
        "fastapi",
        "one file, a view",
        "main.py",
        fastapi,
        application=Application.FASTAPI,
        own_servers=("fastapi-dev", "uvicorn"),
        promised="15 ms",
    ),
    Project(
        "heavy-asgi",
        "FastAPI, pandas, scikit-learn, SQLAlchemy; below the imports",
        "main.py",
        heavy_asgi,
        application=Application.FASTAPI,
        own_servers=("fastapi-dev", "uvicorn"),
        promised="30 ms",
    ),
    django("django30-view", "Django with 30 apps, a view", VIEWS, "40 ms"),
    django("django30-template", "the same, a template", TEMPLATE, "20 ms"),
    django("django30-settings", "the same, the settings", SETTINGS, "a full rebuild"),
)
