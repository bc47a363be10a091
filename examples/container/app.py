"""A Flask application whose services come from a container. `wiverno run dev` here serves it.

Then change the greeting in `services.py`, save, and reload the page: the next version has a
container of its own, and the one before closes what it had opened.
"""

import atexit

from dishka import make_container
from dishka.integrations.flask import FromDishka, inject, setup_dishka
from flask import Flask

from services import Greeter, Services

app = Flask(__name__)


@app.get("/")
@inject
def home(greeter: FromDishka[Greeter]) -> str:
    return greeter.greet()


container = make_container(Services())
setup_dishka(container, app)
# A process of the server has one version of the code, from its first request to its last. What
# the container has opened is closed after that one, in development as in production.
atexit.register(container.close)
