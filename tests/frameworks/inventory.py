"""The frameworks that sessions and the production server are tested with: data only.

A row is a project below `samples`, what is added to it, and which of its files are edited. Each
edited file says `first` once, and the page shows what it says.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
DJANGO_APPS = 30


@dataclass(frozen=True, slots=True)
class Framework:
    """A project of one framework. Nobody says where its application is: it is found."""

    name: str
    """As the table of the documents has it."""
    distribution: str
    """What is installed for it."""
    folder: str
    """Below `samples`; what lies in `samples/shared` comes in addition."""
    view: str
    """The file of the page's view."""
    settings: str
    """The file that the application is configured with."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Lines at the end of files, which may be new."""
    package: str = ""
    """The folder that has the templates and the static files, where it is not the project's."""
    page: str = "/"
    """The path of the page that shows the view, the template and the setting."""
    has_static_files_in_production: bool = True
    is_sample: bool = True
    """Is it tried in `make test`, too? Else only for the table."""

    @property
    def template(self) -> str:
        """The file of the page's template."""
        return f"{self.package}templates/page.html"

    @property
    def style(self) -> str:
        """A static file."""
        return f"{self.package}static/style.css"

    def write(self, project: Path) -> None:
        """Make the project in an empty folder."""
        shutil.copytree(SAMPLES / self.folder, project, dirs_exist_ok=True)
        shutil.copytree(SAMPLES / "shared", project / self.package, dirs_exist_ok=True)
        for name, lines in self.added.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(lines)


def _django(
    name: str,
    added: Mapping[str, str],
    view: str = "shop/views.py",
    page: str = "/",
    *,
    is_sample: bool = True,
) -> Framework:
    return Framework(
        name,
        distribution="Django",
        folder="django",
        view=view,
        settings="shop/settings.py",
        added=added,
        page=page,
        # Django leaves them to the web server in front.
        has_static_files_in_production=False,
        is_sample=is_sample,
    )


def _django_apps(count: int, settings: str = "") -> Mapping[str, str]:
    """A project of a usual size: each app with models, forms, a view and URLs."""
    names = [f"part{number:02d}" for number in range(count)]
    files = {
        "shop/settings.py": f"INSTALLED_APPS += {names!r}\n{settings}",
        "shop/urls.py": "from django.urls import include\n"
        f'urlpatterns += [path(f"{{name}}/", include(f"{{name}}.urls")) for name in {names!r}]\n',
    }
    for name in names:
        for module, source in _DJANGO_APP.items():
            files[f"{name}/{module}"] = source
    return files


_DJANGO_ASGI = 'ASGI_APPLICATION = "shop.asgi.application"\n'
_DJANGO_APP = {
    "__init__.py": "",
    "models.py": """\
from django.db import models

class Kind(models.Model):
    title = models.CharField(max_length=80)

class Thing(models.Model):
    kind = models.ForeignKey(Kind, on_delete=models.CASCADE)
    made = models.DateTimeField(auto_now_add=True)
""",
    "forms.py": """\
from django import forms
from .models import Thing

class ThingForm(forms.ModelForm):
    class Meta:
        model = Thing
        fields = ["kind"]
""",
    "views.py": """\
from django.conf import settings
from django.shortcuts import render
from . import forms

def page(request):
    return render(request, "page.html", {"view": "view: first", "setting": settings.SETTING})
""",
    "urls.py": """\
from django.urls import path
from . import views

urlpatterns = [path("", views.page)]
""",
}

FRAMEWORKS = (
    Framework("Flask", "Flask", folder="flask", view="views.py", settings="settings.cfg"),
    _django("Django", added={}),
    _django("Django, ASGI", added={"shop/settings.py": _DJANGO_ASGI}),
    _django(
        f"Django, {DJANGO_APPS} apps",
        added=_django_apps(DJANGO_APPS),
        view="part17/views.py",
        page="/part17/",
    ),
    _django(
        f"Django, {DJANGO_APPS} apps, ASGI",
        added=_django_apps(DJANGO_APPS, _DJANGO_ASGI),
        view="part17/views.py",
        page="/part17/",
        is_sample=False,
    ),
    Framework("Bottle", "bottle", folder="bottle", view="views.py", settings="settings.ini"),
    Framework(
        "Pyramid",
        "pyramid",
        folder="pyramid",
        view="shop/views.py",
        settings="development.ini",
        package="shop/",
    ),
    Framework("FastAPI", "fastapi", folder="fastapi", view="views.py", settings="settings.json"),
    Framework(
        "Starlette", "starlette", folder="starlette", view="views.py", settings="settings.env"
    ),
)
