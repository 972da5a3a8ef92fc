"""Projects, environments and the secrets of an environment."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.preconditions import revision_demanded, with_etag
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.tenants import queries
from apps.tenants.api import serializers as shapes
from apps.tenants.operations import projects, secrets


class ProjectsView(ApiView):
    """The tenant's projects."""

    permissions: ClassVar = {"GET": "projects.read", "POST": "projects.edit"}

    @call("project_list", answers=page_of(shapes.ProjectOut), parameters=(CURSOR, LIMIT), tags=("projects",))
    def get(self, request: Request) -> Response:
        """List projects that are not archived, newest first."""
        wanted = paging.wanted(request)
        found = queries.project_list(after=wanted.after, limit=wanted.limit)
        return paging.answer(found, lambda row: shapes.ProjectOut(row).data)

    @call(
        "project_create",
        takes=shapes.ProjectIn,
        answers=shapes.ProjectOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 422),
        tags=("projects",),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a project."""
        made = projects.project_create(**self.body(shapes.ProjectIn), actor=self.actor)
        response = Response(shapes.ProjectOut(made).data, status=201)
        response["Location"] = f"{request.path.rstrip('/')}/{made.id}"
        return with_etag(response, made.revision)


class ProjectView(ApiView):
    """One project."""

    permissions: ClassVar = {"GET": "projects.read", "PATCH": "projects.edit", "DELETE": "projects.edit"}

    @call("project_get", answers=shapes.ProjectOut, tags=("projects",))
    def get(self, request: Request, project_id: UUID) -> Response:
        """Return the project."""
        found = queries.project_get(project_id=project_id)
        return with_etag(Response(shapes.ProjectOut(found).data), found.revision)

    @call(
        "project_update",
        takes=shapes.ProjectEdit,
        answers=shapes.ProjectOut,
        parameters=(IF_MATCH,),
        refuses=(412, 422, 428),
        tags=("projects",),
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        """Change name or description."""
        given = self.body(shapes.ProjectEdit)
        revision = revision_demanded(request)
        found = projects.project_update(project_id=project_id, revision=revision, **given, actor=self.actor)
        return with_etag(Response(shapes.ProjectOut(found).data), found.revision)

    @call("project_archive", status=204, parameters=(IF_MATCH,), refuses=(412, 428), tags=("projects",))
    def delete(self, request: Request, project_id: UUID) -> Response:
        """Put the project away; its workflows stay."""
        projects.project_archive(project_id=project_id, revision=revision_demanded(request), actor=self.actor)
        return Response(status=204)


class EnvironmentsView(ApiView):
    """The places to deploy to."""

    permissions: ClassVar = {"GET": "environments.read"}

    @call("environment_list", answers=shapes.EnvironmentsOut, tags=("environments",))
    def get(self, request: Request) -> Response:
        """List environments in the order in which work moves through them."""
        found = queries.environment_list()
        return Response({"items": [shapes.EnvironmentOut(row).data for row in found]})


class SecretsView(ApiView):
    """The secrets of an environment, by name."""

    permissions: ClassVar = {"GET": "secrets.read"}

    @call("secret_list", answers=shapes.SecretsOut, tags=("secrets",))
    def get(self, request: Request, environment: str) -> Response:
        """List names; values are never returned."""
        place = queries.environment_get(name=environment)
        found = queries.secret_list(environment_id=place.id)
        return Response({"items": [shapes.SecretOut(row).data for row in found]})


class SecretView(ApiView):
    """One secret."""

    permissions: ClassVar = {"PUT": "secrets.edit", "DELETE": "secrets.edit"}

    @call("secret_set", takes=shapes.SecretIn, status=204, refuses=(422,), tags=("secrets",))
    def put(self, request: Request, environment: str, name: str) -> Response:
        """Set the value; the one before can still be named by its version, as can the eight before that."""
        given = self.body(shapes.SecretIn)
        secrets.secret_set(environment=environment, name=name, value=given["value"], actor=self.actor)
        return Response(status=204)

    @call("secret_delete", status=204, tags=("secrets",))
    def delete(self, request: Request, environment: str, name: str) -> Response:
        """Delete the value and its earlier versions: none can be used from then on."""
        secrets.secret_delete(environment=environment, name=name, actor=self.actor)
        return Response(status=204)
