"""The parts of a document as lists, made from the document alone: it need not be fit to run."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apps.engine.document import Document
from apps.engine.ordering import dependency_order
from apps.engine.registry import Registry

Row = dict[str, Any]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outline:
    """Modules dependencies first, the rest in file order."""

    modules: list[Row]
    routes: list[Row]
    subscriptions: list[Row]
    machines: list[Row]
    pipelines: list[Row]
    triggers: list[Row]

    def as_dict(self) -> dict[str, list[Row]]:
        """Return the JSON form."""
        return asdict(self)


def outline(document: Document, registry: Registry) -> Outline:
    """List what a document holds; what has the wrong shape is left out."""
    sections = document.workflows
    return Outline(
        modules=_modules(document, registry),
        routes=[_of(row, "method", "path", "handler") for row in _rows(sections, "http", "routes")],
        subscriptions=[_of(row, "topic", "handler") for row in _rows(sections, "messaging", "subscriptions")],
        machines=[_machine(row) for row in _rows(sections, "statemachine", "definitions")],
        pipelines=[
            {"name": name, "steps": len(_listed(pipeline, "steps"))}
            for name, pipeline in sections.get("pipelines", {}).items()
        ],
        triggers=list(_triggers(document)),
    )


def _modules(document: Document, registry: Registry) -> list[Row]:
    entries = {entry.name: entry for entry in reversed(document.modules)}
    order, _ = dependency_order({entry.name: entry.depends_on for entry in document.modules})
    rows = []
    for name in order:
        entry = entries[name]
        found = registry.get(entry.kind)
        category = UNKNOWN if found is None else found.category.value
        rows.append({"name": name, "type": entry.kind, "category": category, "depends_on": list(entry.depends_on)})
    return rows


def _machine(definition: Row) -> Row:
    return {
        "name": str(definition.get("name", "")),
        "initial": str(definition.get("initialState", "")),
        "states": len(definition.get("states") or ()),
        "transitions": len(definition.get("transitions") or ()),
    }


def _triggers(document: Document) -> Iterator[Row]:
    for kind, trigger in document.triggers.items():
        for listed in ("routes", "jobs", "subscriptions"):
            for row in _listed(trigger, listed):
                yield {"type": kind, "starts": f"{row.get('workflow', '')} {row.get('action', '')}".strip()}


def _rows(sections: Mapping[str, Any], section: str, listed: str) -> list[Row]:
    return _listed(sections.get(section), listed)


def _listed(section: Any, name: str) -> list[Row]:
    rows = section.get(name) if isinstance(section, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _of(row: Row, *names: str) -> Row:
    return {name: str(row.get(name, "")) for name in names}
