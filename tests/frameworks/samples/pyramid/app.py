"""Pyramid: what `pserve development.ini` would serve."""

from pyramid.paster import get_app

app = get_app("development.ini")
