"""Sections that this build keeps and draws and does not run yet: only the names in them are checked (spec 4.4)."""

from typing import Any

from apps.engine.checks.scope import Scope, items_of
from apps.engine.document import DocumentPath


def check_later_sections(scope: Scope) -> None:
    """Check the names in the sections to come."""
    sections = scope.document.workflows
    _scheduler(scope, sections.get("scheduler", {}))


def _scheduler(scope: Scope, section: dict[str, Any]) -> None:
    for index, job in items_of(section.get("jobs")):
        path: DocumentPath = ("workflows", "scheduler", "jobs", index)
        _module(scope, job.get("scheduler"), (*path, "scheduler"))
        _module(scope, job.get("job"), (*path, "job"))


def _module(scope: Scope, name: Any, path: DocumentPath) -> None:
    if isinstance(name, str) and name and not scope.is_target(name):
        scope.report("reference.unknown", path, scope.unknown(name, "module", scope.targets()))
