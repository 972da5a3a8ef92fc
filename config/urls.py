"""The address table: each app mounts its own pages and calls; calls are mounted twice, for people and for keys."""

from django.contrib import admin
from django.urls import include, path

from config.metrics import metrics

APPS = ("tenants", "modules", "workflows", "runs")

calls = [path("", include(f"apps.{app}.api.urls")) for app in APPS]
pages = [path("", include(f"apps.{app}.pages.urls")) for app in APPS]

urlpatterns = [
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("t/<slug:tenant>/api/v1/", include((calls, "api"), namespace="tenant-api")),
    path("api/v1/", include((calls, "api"), namespace="api")),
    path("api/", include("apps.core.api.reference")),
    *pages,
]
