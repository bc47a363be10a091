"""One view of each kind."""

from bottle import Bottle, request, response, static_file, template

pages = Bottle()


@pages.get("/")
def page():
    setting = request.app.config["shop.setting"]
    return template("templates/page.html", view="view: first", setting=setting)


@pages.get("/items/<number:int>")
def item(number):
    return f"item {number}"


@pages.get("/static/<name:path>")
def static(name):
    return static_file(name, root="static")


@pages.post("/form")
def form():
    return f"name {request.forms.name}"


@pages.get("/error")
def error():
    raise LookupError("on purpose")


@pages.get("/stream")
def stream():
    response.content_type = "text/plain"
    for number in range(3):
        yield f"piece {number} "
