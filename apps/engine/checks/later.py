"""Sections that this build keeps and draws and does not run yet: only the names in them are checked (spec 4.4, 4.5)."""

from typing import Any

from apps.engine.checks.scope import Scope, items_of
from apps.engine.document import DocumentPath


def check_later_sections(scope: Scope) -> None:
    """Check the names in the sections to come."""
    sections = scope.document.workflows
    _scheduler(scope, sections.get("scheduler", {}))
    _event(scope, sections.get("event", {}))


def _scheduler(scope: Scope, section: dict[str, Any]) -> None:
    for index, job in items_of(section.get("jobs")):
        path: DocumentPath = ("workflows", "scheduler", "jobs", index)
        _module(scope, job.get("scheduler"), (*path, "scheduler"))
        _module(scope, job.get("job"), (*path, "job"))


def _event(scope: Scope, section: dict[str, Any]) -> None:
    path: DocumentPath = ("workflows", "event")
    _module(scope, section.get("processor"), (*path, "processor"))
    patterns = _names(section.get("patterns"), "patternId")
    for index, handler in items_of(section.get("handlers")):
        where = (*path, "handlers", index)
        _module(scope, handler.get("handler"), (*where, "handler"))
        _one_of(scope, handler.get("patternId"), (*where, "patternId"), "pattern", patterns)
    for index, adapter in items_of(section.get("adapters")):
        _module(scope, adapter.get("broker"), (*path, "adapters", index, "broker"))


def _module(scope: Scope, name: Any, path: DocumentPath) -> None:
    if isinstance(name, str) and name and not scope.is_target(name):
        scope.report("reference.unknown", path, scope.unknown(name, "module", scope.targets()))


def _one_of(scope: Scope, name: Any, path: DocumentPath, what: str, known: set[str]) -> None:
    if isinstance(name, str) and name and name not in known:
        scope.report("reference.unknown", path, scope.unknown(name, what, known))


def _names(items: Any, key: str) -> set[str]:
    return {item[key] for _, item in items_of(items) if isinstance(item.get(key), str)}
