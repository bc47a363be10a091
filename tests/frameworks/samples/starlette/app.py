"""Starlette: the application and its routes."""

import views
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

app = Starlette(
    routes=[
        Route("/", views.page),
        Route("/items/{number:int}", views.item),
        Route("/form", views.form, methods=["POST"]),
        Route("/error", views.error),
        Route("/stream", views.stream),
        Mount("/static", StaticFiles(directory="static")),
    ]
)
