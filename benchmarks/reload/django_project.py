"""A Django project of 30 apps, as grown ones have them. Text, no files, no randomness.

Each app has models, a form, an admin, views, URLs, templates and a static file. One of them, in the
middle, answers with the version: of its views, of a template of its own and of the settings.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial

APPS = (
    *("accounts", "addresses", "articles", "baskets", "brands", "campaigns", "catalog"),
    *("complaints", "countries", "coupons", "customers", "deliveries", "discounts", "invoices"),
    *("languages", "letters", "orders", "packages", "payments", "prices", "refunds", "reports"),
    *("returns", "reviews", "shelves", "stores", "suppliers", "taxes", "transports", "warehouses"),
)
EDITED_APP = "orders"
SETTINGS = "shop/settings.py"
VIEWS = f"{EDITED_APP}/views.py"
TEMPLATE = f"{EDITED_APP}/templates/{EDITED_APP}/version.txt"

PATH_OF: Mapping[str, str] = {
    VIEWS: f"/{EDITED_APP}/version-of-view/",
    TEMPLATE: f"/{EDITED_APP}/version-of-template/",
    SETTINGS: f"/{EDITED_APP}/version-of-settings/",
}
"""Edited file → the path that answers with its version."""


def text_of(edited: str) -> Callable[[int], str]:
    """The text of the edited file, by version."""
    return partial(_at_version, _texts()[edited])


def all_but(edited: str) -> Callable[[], Mapping[str, str]]:
    """All other files: path → text."""
    return partial(_other_files, edited)


def _other_files(edited: str) -> Mapping[str, str]:
    return {path: _at_version(text, 1) for path, text in _texts().items() if path != edited}


def _at_version(text: str, version: int) -> str:
    return text.replace("@VERSION@", f"{version:06d}")


@cache
def _texts() -> Mapping[str, str]:
    """Path → text, with a mark where the version stands."""
    files = dict(PROJECT_FILES)
    for number, app in enumerate(APPS):
        for path, text in APP_FILES.items():
            files[path.replace("@app@", app)] = _of_app(text, app, number)
    files[f"{EDITED_APP}/urls.py"] += VERSION_URLS
    files[VIEWS] = VERSION_IMPORTS + files[VIEWS] + VERSION_VIEWS
    files[TEMPLATE] = VERSION_TEMPLATE
    return files


def _of_app(text: str, app: str, number: int) -> str:
    """The other one is the app before it, so that there are relations between apps."""
    other = APPS[number - 1] if number else "auth"
    names = {
        "@app@": app,
        "@Thing@": f"{app.capitalize()}Entry",
        "@other@": f"{other}.{other.capitalize()}Entry" if number else "auth.User",
        "@limit@": str(number * 10 + 10),
    }
    for mark, name in names.items():
        text = text.replace(mark, name)
    return text


PROJECT_FILES = {
    "manage.py": '''\
#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
''',
    "shop/__init__.py": "",
    "shop/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()
""",
    "shop/urls.py": f"""\
from django.contrib import admin
from django.urls import include, path

APPS = {APPS!r}

urlpatterns = [
    path("admin/", admin.site.urls),
    *(path(f"{{app}}/", include(f"{{app}}.urls")) for app in APPS),
]
""",
    SETTINGS: f"""\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SHOP_VERSION = "@VERSION@"

SECRET_KEY = "a benchmark"
DEBUG = True
ALLOWED_HOSTS = []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *{APPS!r},
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        }},
    }},
]

DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
}}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "static/shop.css": "body { font-family: sans-serif }\n",
    "templates/plain.txt": "{% block text %}{% endblock %}\n",
    "templates/base.html": """\
{% load static %}<!DOCTYPE html>
<html lang="en">
<head>
  <title>{% block title %}Shop{% endblock %}</title>
  <link rel="stylesheet" href="{% static 'shop.css' %}">
</head>
<body>
  <main>{% block content %}{% endblock %}</main>
</body>
</html>
""",
}

APP_FILES = {
    "@app@/__init__.py": "",
    "@app@/migrations/__init__.py": "",
    "@app@/apps.py": """\
from django.apps import AppConfig


class Config(AppConfig):
    name = "@app@"
""",
    "@app@/models.py": """\
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse


class Kind(models.Model):
    title = models.CharField(max_length=80, unique=True)
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title


class EntryQuerySet(models.QuerySet):
    def open(self):
        return self.filter(kind__is_open=True)

    def worth(self):
        return self.aggregate(cents=models.Sum("cents"))["cents"] or 0


class @Thing@(models.Model):
    kind = models.ForeignKey(Kind, on_delete=models.PROTECT)
    before = models.ForeignKey("@other@", null=True, blank=True, on_delete=models.SET_NULL)
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    cents = models.PositiveIntegerField(validators=[MinValueValidator(@limit@)])
    made = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["-made"]
        verbose_name_plural = "@app@"
        indexes = [models.Index(fields=["kind", "-made"])]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("@app@:detail", args=[self.pk])
""",
    "@app@/forms.py": """\
from django import forms

from .models import @Thing@


class EntryForm(forms.ModelForm):
    class Meta:
        model = @Thing@
        fields = ["kind", "before", "title", "text", "cents"]
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}

    def clean_title(self):
        title = self.cleaned_data["title"].strip()
        if len(title) < 3:
            raise forms.ValidationError("At least three letters.")
        return title


class SearchForm(forms.Form):
    words = forms.CharField(required=False, max_length=80)
    most_cents = forms.IntegerField(required=False, min_value=@limit@)
""",
    "@app@/admin.py": """\
from django.contrib import admin

from .models import @Thing@, Kind


@admin.register(Kind)
class KindAdmin(admin.ModelAdmin):
    list_display = ["title", "is_open"]


@admin.register(@Thing@)
class EntryAdmin(admin.ModelAdmin):
    list_display = ["title", "kind", "cents", "made"]
    list_filter = ["kind"]
    search_fields = ["title", "text"]
    date_hierarchy = "made"
""",
    "@app@/urls.py": """\
from django.urls import path

from . import views

app_name = "@app@"

urlpatterns = [
    path("", views.EntryList.as_view(), name="list"),
    path("new/", views.EntryCreate.as_view(), name="create"),
    path("worth/", views.worth, name="worth"),
    path("<int:pk>/", views.EntryDetail.as_view(), name="detail"),
    path("<int:pk>/delete/", views.EntryDelete.as_view(), name="delete"),
]
""",
    "@app@/views.py": """\
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import JsonResponse
from django.urls import reverse_lazy
from django.views.generic import CreateView, DeleteView, DetailView, ListView

from .forms import EntryForm, SearchForm
from .models import @Thing@


class EntryList(ListView):
    template_name = "@app@/list.html"
    paginate_by = 50

    def get_queryset(self):
        entries = @Thing@.objects.open().select_related("kind")
        form = SearchForm(self.request.GET)
        if form.is_valid():
            if words := form.cleaned_data["words"]:
                entries = entries.filter(title__icontains=words)
            if most := form.cleaned_data["most_cents"]:
                entries = entries.filter(cents__lte=most)
        return entries


class EntryDetail(DetailView):
    model = @Thing@
    template_name = "@app@/detail.html"


class EntryCreate(LoginRequiredMixin, CreateView):
    form_class = EntryForm
    template_name = "@app@/form.html"


class EntryDelete(LoginRequiredMixin, DeleteView):
    model = @Thing@
    template_name = "@app@/detail.html"
    success_url = reverse_lazy("@app@:list")


def worth(request):
    entries = @Thing@.objects.open()
    return JsonResponse({"count": entries.count(), "cents": entries.worth()})
""",
    "@app@/templates/@app@/list.html": """\
{% extends "base.html" %}
{% block title %}@app@{% endblock %}
{% block content %}
<ul>
  {% for entry in object_list %}
  <li><a href="{{ entry.get_absolute_url }}">{{ entry.title }}</a> {{ entry.kind }}</li>
  {% empty %}
  <li>Nothing yet.</li>
  {% endfor %}
</ul>
{% endblock %}
""",
    "@app@/templates/@app@/detail.html": """\
{% extends "base.html" %}
{% block title %}{{ object.title }}{% endblock %}
{% block content %}<h1>{{ object.title }}</h1>{{ object.text|linebreaks }}{% endblock %}
""",
    "@app@/templates/@app@/form.html": """\
{% extends "base.html" %}
{% block content %}
<form method="post">{% csrf_token %}{{ form.as_p }}<button>Save</button></form>
{% endblock %}
""",
    "@app@/static/@app@/entries.css": "li { margin: 1em }\n",
}

VERSION_URLS = """
urlpatterns += [
    path("version-of-view/", views.version_of_view),
    path("version-of-template/", views.version_of_template),
    path("version-of-settings/", views.version_of_settings),
]
"""

VERSION_IMPORTS = """\
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
"""

VERSION_VIEWS = f'''

VERSION = "@VERSION@"


def version_of_view(request):
    return HttpResponse(VERSION, content_type="text/plain")


def version_of_template(request):
    return render(request, "{EDITED_APP}/version.txt", content_type="text/plain")


def version_of_settings(request):
    return HttpResponse(settings.SHOP_VERSION, content_type="text/plain")
'''

VERSION_TEMPLATE = '{% extends "plain.txt" %}{% block text %}@VERSION@{% endblock %}\n'
