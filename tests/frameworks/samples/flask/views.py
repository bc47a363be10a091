"""One view of each kind."""

from flask import Blueprint, Response, current_app, render_template, request

pages = Blueprint("pages", __name__)


@pages.get("/")
def page():
    return render_template("page.html", view="view: first", setting=current_app.config["SETTING"])


@pages.get("/items/<int:number>")
def item(number):
    return f"item {number}"


@pages.post("/form")
def form():
    return f"name {request.form['name']}"


@pages.get("/error")
def error():
    raise LookupError("on purpose")


@pages.get("/stream")
def stream():
    return Response((f"piece {number} " for number in range(3)), mimetype="text/plain")
