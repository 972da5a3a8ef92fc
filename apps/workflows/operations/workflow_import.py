"""Importing a text that may hold several workflows: all of them or none."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from apps.core.scope import Actor
from apps.engine import findings
from apps.engine.document import load
from apps.engine.several import workflows_of
from apps.tenants.policy import require
from apps.tenants.queries import project_get
from apps.workflows.errors import DocumentRefused
from apps.workflows.operations.texts import encoded
from apps.workflows.operations.workflows import workflow_create
from apps.workflows.policy import EDIT
from apps.workflows.queries.workflows import WorkflowView
from apps.workflows.rules.slugs import slug_from_name


@transaction.atomic
def workflows_import(*, project_id: UUID, text: str, actor: Actor) -> list[WorkflowView]:
    """Add every workflow of a text to a project, with its part of the text as first draft; return them in file order.

    Workflows of one name get slugs with a number. Raises `NotFound` for a project of nobody's or somebody else's,
    `DocumentRefused` with every fault at its place, `TooLarge`, and `SlugTaken`, also for one that was there before.
    """
    require(actor, EDIT)
    project_get(project_id=project_id)
    encoded(text)
    loaded = load(text)
    if loaded.document is None:
        raise DocumentRefused("The text cannot be read.", list(loaded.findings))
    try:
        listed = workflows_of(loaded.document)
    except findings.DocumentRefused as refused:
        message = "The list of workflows has faults; nothing was imported."
        raise DocumentRefused(message, list(refused.findings)) from None
    slugs = _slugs(one.name for one in listed)
    return [
        workflow_create(
            project_id=project_id, name=one.name, slug=slug, description=one.description, text=one.text, actor=actor
        )
        for one, slug in zip(listed, slugs, strict=True)
    ]


def _slugs(names: Iterable[str]) -> list[str]:
    taken: dict[str, None] = {}
    for index, name in enumerate(names, start=1):
        plain = slug_from_name(name) or f"workflow-{index}"
        slug, number = plain, 1
        while slug in taken:
            number += 1
            slug = f"{plain[:58].rstrip('-')}-{number}"
        taken[slug] = None
    return list(taken)
