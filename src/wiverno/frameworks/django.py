"""A Django project without a target of its own: what `manage.py runserver` would serve.

`development()` also serves static files, as `runserver` does. Neither checks the project nor
looks for migrations that are not applied.
"""

import importlib
import os
from typing import Any

from wiverno.core.exceptions import AppTargetError
from wiverno.frameworks.django_settings import MANAGE_FILE, VARIABLE, choose_settings


class DjangoProjectError(AppTargetError):
    """There is no Django project here, or one without Django."""


def development() -> Any:
    """The project's application; with `DEBUG` on and `staticfiles` installed, its static files too.

    It is that of the setting `ASGI_APPLICATION`, else `WSGI_APPLICATION`, else Django's own.
    """
    application, is_asgi = _application()
    from django.conf import settings

    _make_template_engines()
    _import_urls(settings)
    if settings.DEBUG and _is_installed("django.contrib.staticfiles"):
        from django.contrib.staticfiles import handlers

        handler = handlers.ASGIStaticFilesHandler if is_asgi else handlers.StaticFilesHandler
        application = handler(application)
    _name_debug(application, bool(settings.DEBUG))
    return application


def production() -> Any:
    """The project's application alone: a web server in front has the static files."""
    return _application()[0]


def _application() -> tuple[Any, bool]:
    """And whether it is ASGI."""
    name = choose_settings()
    if name is None:
        raise DjangoProjectError(
            f"Neither {VARIABLE} nor {MANAGE_FILE} in the current directory names the settings of "
            "a Django project. Start wiverno in the folder of manage.py, or set the variable."
        )
    # Before Django is imported, as manage.py does.
    os.environ.setdefault(VARIABLE, name)
    try:
        # As wsgi.py has it: before the project's own modules, so that in development their
        # changes leave it imported.
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        raise DjangoProjectError(
            "Django is not installed in the environment that runs wiverno. "
            "Install both in one: pip install django wiverno."
        ) from None
    for setting, is_asgi in (("ASGI_APPLICATION", True), ("WSGI_APPLICATION", False)):
        if path := getattr(settings, setting, None):
            return _import_object(path, setting), is_asgi
    return get_wsgi_application(), False


def _make_template_engines() -> None:
    """Now, as the checks of `runserver` do: else the first request makes them, behind each save."""
    from django.apps import apps

    # They ask every application for its tags. One of the project's own may have set up nothing.
    if apps.ready:
        from django.template import engines

        engines.all()


def _import_urls(settings: Any) -> None:
    """Now, as the checks of `runserver` do, and not with the first request.

    Else a broken view would be an application that works, and a save of one would wait for every
    view of the project to be imported anew.
    """
    # An application that routes by itself, or for each request, may have none.
    if name := getattr(settings, "ROOT_URLCONF", None):
        importlib.import_module(name)


def _name_debug(application: Any, debug: bool) -> None:
    """As the attribute that the terminal's panel shows, on an object that Django has made."""
    from django.core.handlers.base import BaseHandler

    # What the project has put around it is not ours to change.
    if isinstance(application, BaseHandler) and not hasattr(application, "debug"):
        application.debug = debug


def _import_object(path: str, setting: str) -> Any:
    module_name, _, attribute = path.rpartition(".")
    module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise DjangoProjectError(
            f"The setting {setting} = {path!r} names nothing: {module_name} has no {attribute!r}."
        ) from None


def _is_installed(app: str) -> bool:
    from django.apps import apps

    # An application of the project's own may have set up nothing.
    return bool(apps.ready and apps.is_installed(app))
