"""What pipelines use: their steps, the ones in branches included, and the pipelines that these call."""

from collections.abc import Iterator
from typing import Any

from apps.engine.checks.scope import Scope, items_of
from apps.engine.document import DocumentPath

PATH: DocumentPath = ("workflows", "pipelines")


def steps_in(steps: Any) -> Iterator[dict[str, Any]]:
    """Return every step of a list, those in branches included."""
    waiting = [steps]
    while waiting:
        for _, step in items_of(waiting.pop()):
            yield step
            cases = step.get("cases")
            waiting += [step.get("then"), step.get("else"), step.get("default")]
            waiting += list(cases.values()) if isinstance(cases, dict) else []


def used_in(scope: Scope, name: str) -> list[tuple[str, DocumentPath]]:
    """Return the pipelines that a pipeline's steps call, each with its place."""
    pipeline = scope.pipelines.get(name)
    found: list[tuple[str, DocumentPath]] = []
    waiting: list[tuple[Any, DocumentPath]] = []
    if isinstance(pipeline, dict):
        waiting.append((pipeline.get("steps"), (*PATH, name, "steps")))
    while waiting:
        steps, path = waiting.pop()
        for index, step in enumerate(steps if isinstance(steps, list) else []):
            if not isinstance(step, dict):
                continue
            where = (*path, index)
            target = _pipeline_meant(scope, step.get("uses"))
            if target is not None:
                found.append((target, (*where, "uses")))
            waiting += [(step.get(key), (*where, key)) for key in ("then", "else", "default")]
            cases = step.get("cases")
            waiting += [(inner, (*where, "cases", case)) for case, inner in _items(cases)]
    return found


def _items(cases: Any) -> list[tuple[str, Any]]:
    return list(cases.items()) if isinstance(cases, dict) else []


def _pipeline_meant(scope: Scope, name: Any) -> str | None:
    """Return the pipeline that a step's `uses` ends up in."""
    if not isinstance(name, str):
        return None
    module = scope.resolve(name)
    if module is None:
        return name if name in scope.pipelines else None
    if scope.kinds[module] != "processing.step":
        return None
    component = scope.entries[module].config.get("componentId")
    known = isinstance(component, str) and scope.resolve(component) is None and component in scope.pipelines
    return component if known and isinstance(component, str) else None
