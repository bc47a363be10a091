"""The application, as PasteDeploy asks for it."""

from pyramid.config import Configurator


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("pyramid_jinja2")
        config.add_jinja2_renderer(".html")
        config.add_static_view("static", "static")
        config.add_route("page", "/")
        config.add_route("item", "/items/{number}")
        config.add_route("form", "/form")
        config.add_route("error", "/error")
        config.add_route("stream", "/stream")
        config.scan()
        return config.make_wsgi_app()
