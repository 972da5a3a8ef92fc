"""Make, change and archive the projects of the scope's tenant."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.errors import Invalid, NotFound, PreconditionFailed
from apps.core.scope import Actor
from apps.tenants import policy
from apps.tenants.errors import AlreadyTaken
from apps.tenants.events import PROJECT_ARCHIVED, PROJECT_CHANGED, PROJECT_CREATED
from apps.tenants.models import Project
from apps.tenants.queries import ProjectView, project_get
from apps.tenants.rules.names import slug_fault


@transaction.atomic
def project_create(*, slug: str, name: str, description: str = "", actor: Actor) -> ProjectView:
    """Make a project; raises `Forbidden`, `Invalid`, `AlreadyTaken`."""
    policy.require(actor, "projects.edit")
    _demand_good(slug=slug, name=name)
    row = Project(slug=slug, name=name.strip(), description=description)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise AlreadyTaken(f"There is a project {slug} already.") from None
    _announce(PROJECT_CREATED, "project.create", row.id, {"slug": slug})
    return project_get(project_id=row.id)


def project_ensure(*, slug: str, name: str, actor: Actor) -> ProjectView:
    """Return the project of that name, made if there is none; for seeding."""
    row = Project.objects.filter(slug=slug).first()
    return project_get(project_id=row.id) if row else project_create(slug=slug, name=name, actor=actor)


@transaction.atomic
def project_update(
    *, project_id: UUID, revision: int, name: str | None = None, description: str | None = None, actor: Actor
) -> ProjectView:
    """Change a project's name or description; raises `Forbidden`, `Invalid`, `NotFound`, `PreconditionFailed`."""
    policy.require(actor, "projects.edit")
    row = _locked(project_id, revision)
    row.name = row.name if name is None else name.strip()
    row.description = row.description if description is None else description
    _demand_good(slug=row.slug, name=row.name)
    row.revision += 1
    row.save(update_fields=["name", "description", "revision"])
    _announce(PROJECT_CHANGED, "project.update", row.id, {"name": row.name})
    return project_get(project_id=row.id)


@transaction.atomic
def project_archive(*, project_id: UUID, revision: int, actor: Actor) -> None:
    """Put a project away; its workflows stay. Raises `Forbidden`, `NotFound`, `PreconditionFailed`."""
    policy.require(actor, "projects.edit")
    row = _locked(project_id, revision)
    row.archived_at = row.archived_at or now()
    row.revision += 1
    row.save(update_fields=["archived_at", "revision"])
    _announce(PROJECT_ARCHIVED, "project.archive", row.id, {})


def _locked(project_id: UUID, revision: int) -> Project:
    row = Project.objects.select_for_update().filter(id=project_id).first()
    if row is None:
        raise NotFound("There is no such project.")
    if row.revision != revision:
        raise PreconditionFailed
    return row


def _demand_good(*, slug: str, name: str) -> None:
    faults = [("/slug", slug_fault(slug)), ("/name", None if name.strip() else "A name is needed.")]
    errors = [{"pointer": pointer, "message": message} for pointer, message in faults if message]
    if errors:
        raise Invalid("The project cannot be named so.", errors=errors)


def _announce(event: str, verb: str, project_id: UUID, details: dict[str, Any]) -> None:
    audit.record(verb=verb, target="project", target_id=project_id, details=details)
    events.publish(event, project_id=project_id)
