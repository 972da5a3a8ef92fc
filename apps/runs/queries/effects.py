"""Steps of which nobody knows whether their effect happened."""

from typing import Any
from uuid import UUID

from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.engine.redaction import NOTHING, Redactor
from apps.runs.models import EffectEntry, Run, Step
from apps.runs.queries.shown import redactor_of, value_of
from apps.runs.rules.sealing import STEP_ERROR


def unknown_list(*, after: UUID | None = None, limit: int = USUAL_PAGE) -> Page[dict[str, Any]]:
    """Return the steps in doubt, newest first, each with its intent."""
    page = by_id(Step.objects.filter(state="unknown"), after=after, limit=limit)
    keys = [step.key for step in page.items]
    entries = {(entry.step_key, entry.attempt): entry for entry in EffectEntry.objects.filter(step_key__in=keys)}
    runs = Run.objects.filter(id__in=[step.run_id for step in page.items]).values_list("id", "environment_id")
    redactors = {run_id: redactor_of(environment_id) for run_id, environment_id in runs}
    lines = [
        _line(step, entries.get((step.key, step.attempt)), redactors.get(step.run_id, NOTHING)) for step in page.items
    ]
    return Page(lines, page.next)


def _line(step: Step, entry: EffectEntry | None, redactor: Redactor) -> dict[str, Any]:
    return {
        "id": str(step.id),
        "run_id": str(step.run_id),
        "name": step.name,
        "kind": step.kind,
        "path": step.path,
        "module": step.module,
        "attempt": step.attempt,
        "key": str(step.key),
        "effect": None if entry is None else entry.effect,
        "intended_at": None if entry is None else entry.intended_at.isoformat(),
        "error": value_of(step.error, STEP_ERROR, redactor),
    }
