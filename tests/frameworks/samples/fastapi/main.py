"""FastAPI: the application and its router."""

import views
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

app = FastAPI()
app.mount("/static", StaticFiles(directory="static"))
app.include_router(views.pages)
