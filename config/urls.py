"""The address table: each app mounts its own pages and calls."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.metrics import metrics

APPS = ("core", "tenants", "modules", "workflows", "runs")


def _mounted(door: str) -> list[URLPattern | URLResolver]:
    names = [f"apps.{app}.{door}.urls" for app in APPS if find_spec(f"apps.{app}.{door}") is not None]
    return [path("", include(name)) for name in names if find_spec(name) is not None]


calls = _mounted("api")

urlpatterns = [
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("t/<slug:tenant>/api/v1/", include((calls, "api"), namespace="tenant-api")),
    path("api/v1/", include((calls, "api"), namespace="api")),
    path("api/", include("apps.core.api.reference")),
    *_mounted("pages"),
]
