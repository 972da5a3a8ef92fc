"""Addresses of the catalogue's pages."""

from django.urls import path

from apps.modules.pages import views

urlpatterns = [
    path("t/<slug:tenant>/modules", views.Modules.as_view(), name="modules"),
    path("t/<slug:tenant>/modules/<str:kind>", views.Module.as_view(), name="module"),
]
