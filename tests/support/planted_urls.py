"""The product's URL conf with routes that no product should have, for the sweep to find."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.scope import SYSTEM, Actor, scope
from apps.tenants.models import Project
from apps.tenants.queries import tenant_by_slug

SECRET_WAY_IN = Actor(kind="system", id=None, label="planted")


def nameless(request: HttpRequest, tenant: str) -> HttpResponse:
    """Name no permission."""
    return HttpResponse("")


class Half(ApiView):
    """Name a permission for one of two methods."""

    permissions = {"GET": "projects.read"}

    def get(self, request: HttpRequest, project_id: object) -> Response:
        """Answer whatever is asked for."""
        return Response({"id": str(project_id)})

    def delete(self, request: HttpRequest, project_id: object) -> Response:
        """Have no permission."""
        return Response(status=204)


class Unscoped:
    """A view past the middleware that opens the scope of whatever tenant the address names."""

    permissions = {"GET": "public"}

    def __call__(self, request: HttpRequest, victim: str) -> HttpResponse:
        """Tell every project of the tenant."""
        found = tenant_by_slug(victim)
        assert found
        with scope(found.id, SYSTEM):
            return HttpResponse(str(list(Project.objects.values_list("id", flat=True))))


urlpatterns = [
    path("t/<slug:tenant>/planted", nameless),
    path("api/v1/planted/<uuid:project_id>", Half.as_view()),
    path("planted/<slug:victim>", Unscoped()),
]
