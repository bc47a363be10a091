"""Where the views are."""

from django.urls import path

from shop import views

urlpatterns = [
    path("", views.page),
    path("items/<int:number>", views.item),
    path("form", views.form),
    path("error", views.error),
    path("stream", views.stream),
]
