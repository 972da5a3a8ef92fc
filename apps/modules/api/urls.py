"""Addresses of the catalogue; mounted under `/api/v1/` and `/t/<tenant>/api/v1/`."""

from django.urls import path

from apps.modules.api.catalogue import ModuleTypesView, ModuleTypeView, SchemaView

urlpatterns = [
    path("module-types", ModuleTypesView.as_view(), name="module-types"),
    path("module-types/<str:kind>", ModuleTypeView.as_view(), name="module-type"),
    path("schema", SchemaView.as_view(), name="schema"),
]
