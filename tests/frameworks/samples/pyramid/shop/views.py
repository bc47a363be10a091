"""One view of each kind."""

from pyramid.response import Response
from pyramid.view import view_config


@view_config(route_name="page", renderer="templates/page.html")
def page(request):
    return {"view": "view: first", "setting": request.registry.settings["setting"]}


@view_config(route_name="item")
def item(request):
    return Response(f"item {request.matchdict['number']}")


@view_config(route_name="form", request_method="POST")
def form(request):
    return Response(f"name {request.POST['name']}")


@view_config(route_name="error")
def error(request):
    raise LookupError("on purpose")


@view_config(route_name="stream")
def stream(request):
    pieces = (f"piece {number} ".encode() for number in range(3))
    return Response(app_iter=pieces, content_type="text/plain")
