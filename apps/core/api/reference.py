"""The API's reference: the checked-in OpenAPI file, and a page that shows it without any other server's help."""

from typing import ClassVar

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.urls import path
from django.views import View
from drf_spectacular.views import SpectacularSwaggerSplitView

from apps.core.api.openapi import openapi_path
from apps.core.api.permissions import PUBLIC


class OpenApiFile(View):
    """`/api/openapi.yaml`."""

    permissions: ClassVar[dict[str, str]] = {"GET": PUBLIC}
    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Send the file."""
        return FileResponse(openapi_path().open("rb"), content_type="application/yaml", filename="openapi.yaml")


class ApiReference(SpectacularSwaggerSplitView):
    """`/api/docs`: page and script are two answers, because the content security policy forbids scripts in a page."""

    permissions: ClassVar[dict[str, str]] = {"GET": PUBLIC}
    url = "/api/openapi.yaml"
    title = "Weft API"


urlpatterns = [
    path("docs", ApiReference.as_view(), name="api-docs"),
    path("openapi.yaml", OpenApiFile.as_view(), name="openapi"),
]
