"""Bottle: the application and its configuration."""

import views
from bottle import Bottle

app = Bottle()
app.config.load_config("settings.ini")
app.merge(views.pages)
