"""Flask: the application, its configuration and its blueprint."""

import views
from flask import Flask

app = Flask(__name__)
app.config.from_pyfile("settings.cfg")
app.register_blueprint(views.pages)
