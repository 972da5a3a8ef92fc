"""The document as a graph: what is drawn, and in which order modules come to be.

Any document that loads can be drawn, a blocked one too; what does not fit is left out.
"""

import re
from collections.abc import Iterable
from typing import Any

from apps.engine.branches import branches_of
from apps.engine.checks.known import BROKERS, BUSES, ENGINES, ROUTERS, SERVERS, canonical
from apps.engine.checks.uses import steps_in
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.findings import Finding, Severity
from apps.engine.registry import Registry
from apps.engine.service_names import provided_by, service_names

CATEGORY_OF_PREFIX = {
    "http": "http",
    "api": "http",
    "messaging": "messaging",
    "notification": "messaging",
    "statemachine": "statemachine",
    "state": "statemachine",
    "processing": "statemachine",
    "storage": "storage",
    "persistence": "storage",
    "database": "storage",
    "static": "storage",
    "data": "data",
    "metrics": "observability",
    "health": "observability",
    "observability": "observability",
    "integration": "integration",
    "webhook": "integration",
    "auth": "auth",
    "scheduler": "scheduling",
    "job": "scheduling",
    "conditional": "branching",
}
MOST_EDGES = 20_000  # drawn of one document
WORST = [Severity.ERROR.value, Severity.BLOCKED.value, Severity.WARNING.value]


def graph(document: Document, registry: Registry, findings: Iterable[Finding] = ()) -> dict[str, Any]:
    """Return `{nodes, edges}` for drawing; with `findings` each node says how many are about it and the worst."""
    drawing = _Drawing(document, registry)
    drawing.draw()
    nodes = list(drawing.nodes.values())
    _mark(nodes, list(findings))
    return {"nodes": nodes, "edges": drawing.edges}


def _mark(nodes: list[dict[str, Any]], findings: list[Finding]) -> None:
    by_path = {node["path"]: node for node in nodes}
    for found in findings:
        for end in (*(match.start() for match in re.finditer(r"[.\[]", found.path)), len(found.path)):
            node = by_path.get(found.path[:end])
            if node is not None:
                node["findings"] = node.get("findings", 0) + 1
                known = node.get("severity", found.severity.value)
                node["severity"] = min(known, found.severity.value, key=WORST.index)


class _Drawing:
    """Collects nodes by id and edges between them."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document = document
        self.registry = registry
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[dict[str, str]] = []
        self.kinds: dict[str, str] = {}
        self.services: dict[str, str] = {}
        self._seen: set[tuple[str, str, str, str]] = set()

    def draw(self) -> None:
        """Draw everything, nodes first."""
        self._modules()
        sections = self.document.workflows
        for name in sections.get("pipelines", {}):
            self._node(f"pipeline:{name}", "pipeline", "pipeline", name, ("workflows", "pipelines", name))
        for index, definition in enumerate(_maps(sections.get("statemachine", {}).get("definitions"))):
            name = str(definition.get("name", f"#{index}"))
            path = ("workflows", "statemachine", "definitions", index)
            self._node(f"machine:{name}", "statemachine.definition", "statemachine", name, path)
        for name in self.document.triggers:
            self._node(f"trigger:{name}", f"trigger.{name}", "trigger", f"{name} trigger", ("triggers", name))
        self._module_edges()
        self._http(sections.get("http", {}))
        self._messaging(sections.get("messaging", {}))
        self._statemachine(sections.get("statemachine", {}))
        self._pipelines(sections.get("pipelines", {}))
        self._event(sections.get("event", {}))
        self._scheduler(sections.get("scheduler", {}))
        self._triggers()

    def _node(self, identity: str, kind: str, category: str, title: str, path: DocumentPath) -> None:
        line = self.document.mark_of(path).line
        node = {"id": identity, "kind": kind, "category": category, "title": title, "path": path_text(path)}
        self.nodes.setdefault(identity, {**node, "line": line})

    def _edge(self, source: str | None, target: str | None, kind: str, label: str = "") -> None:
        if source in self.nodes and target in self.nodes and len(self.edges) < MOST_EDGES:
            key = (str(source), str(target), kind, label)
            if key not in self._seen:
                self._seen.add(key)
                self.edges.append({"from": str(source), "to": str(target), "kind": kind, "label": label})

    def _modules(self) -> None:
        for entry in self.document.modules:
            module_type = self.registry.get(entry.kind)
            kind = module_type.kind if module_type is not None else canonical(entry.kind)
            category = (
                module_type.category.value
                if module_type is not None
                else CATEGORY_OF_PREFIX.get(kind.partition(".")[0], "framework")
            )
            self.kinds.setdefault(entry.name, kind)
            self._node(entry.name, entry.kind, category, entry.name, entry.path)
        provided = provided_by(self.document.modules, self.kinds, self.registry.components)
        self.services = service_names(self.kinds, provided)

    def _module_edges(self) -> None:
        for entry in self.document.modules:
            for name in entry.depends_on:
                self._edge(name, entry.name, "dependency")
            for branch in branches_of(entry):
                self._edge(entry.name, branch.target, "conditional", branch.handle)
            self._edge(entry.name, self._machine(entry.config.get("workflowType")), "statemachine")
            for key in ("componentId", "onCreate", "onAppend"):
                self._edge(entry.name, self._target(entry.config.get(key)), "uses", "" if key == "componentId" else key)
            self._edge(self._target(entry.config.get("database")), entry.name, "dependency")

    def _target(self, name: Any) -> str | None:
        """Return the node that a reference means: a module, or a pipeline."""
        if not isinstance(name, str):
            return None
        if name in self.kinds or name in self.services:
            return name if name in self.kinds else self.services[name]
        return f"pipeline:{name}"

    def _machine(self, name: Any) -> str | None:
        return f"machine:{name}" if isinstance(name, str) and name else None

    def _only(self, name: Any, kinds: Iterable[str]) -> str | None:
        if isinstance(name, str) and name:
            return self._target(name)
        found = [module for module, kind in self.kinds.items() if kind in kinds]
        return found[0] if found else None

    def _http(self, section: dict[str, Any]) -> None:
        if not section:
            return
        router = self._only(section.get("router"), ROUTERS)
        self._edge(self._only(section.get("server"), SERVERS), router, "http-route", "http")
        for route in _maps(section.get("routes")):
            handler = self._target(route.get("handler"))
            label = f"{route.get('method', '')} {route.get('path', '')}".strip()
            self._edge(router, handler, "http-route", label)
            named = route.get("middlewares", route.get("middleware"))
            for middleware in [named] if isinstance(named, str) else _list(named):
                self._edge(self._target(middleware), handler, "middleware", "middleware")

    def _messaging(self, section: dict[str, Any]) -> None:
        if not section:
            return
        broker = self._only(section.get("broker"), BROKERS) or self._only(None, BUSES)
        for subscription in _maps(section.get("subscriptions")):
            label = f"topic: {subscription.get('topic', '')}"
            self._edge(broker, self._target(subscription.get("handler")), "messaging-subscription", label)
        for producer in _maps(section.get("producers")):
            for topic in _list(producer.get("forwardTo")) or [producer["topic"]] * bool(producer.get("topic")):
                self._edge(self._target(producer.get("name")), broker, "messaging-publication", f"topic: {topic}")

    def _statemachine(self, section: dict[str, Any]) -> None:
        engine = self._only(section.get("engine"), ENGINES)
        machines = [f"machine:{definition.get('name')}" for definition in _maps(section.get("definitions"))]
        for machine in machines:
            self._edge(engine, machine, "statemachine")
        of_all: set[tuple[str | None, str]] = set()
        for hook in _maps(section.get("hooks")):
            handler, label = self._target(hook.get("handler")), _hook_label(hook)
            meant = self._machine(hook.get("workflowType"))
            if meant:
                self._edge(meant, handler, "statemachine", label)
            elif (handler, label) not in of_all and len(self.edges) < MOST_EDGES:
                of_all.add((handler, label))
                for machine in machines:
                    self._edge(machine, handler, "statemachine", label)

    def _pipelines(self, section: dict[str, Any]) -> None:
        broker = self._only(None, BROKERS) or self._only(None, BUSES)
        for name, pipeline in section.items():
            source = f"pipeline:{name}"
            for step in steps_in(pipeline.get("steps") if isinstance(pipeline, dict) else None):
                label = str(step.get("name") or "")
                self._edge(source, self._target(step.get("uses")), "uses", label)
                validate = step.get("validate")
                if isinstance(validate, dict):
                    self._edge(source, self._target(validate.get("module")), "uses", label)
                if isinstance(step.get("emit"), str):
                    self._edge(source, broker, "messaging-publication", f"topic: {step['emit']}")

    def _event(self, section: dict[str, Any]) -> None:
        processor = self._target(section.get("processor"))
        for adapter in _maps(section.get("adapters")):
            topics = ", ".join(str(topic) for topic in _list(adapter.get("topics")))
            self._edge(self._target(adapter.get("broker")), processor, "event", topics)
        for handler in _maps(section.get("handlers")):
            self._edge(processor, self._target(handler.get("handler")), "event", str(handler.get("patternId", "")))

    def _scheduler(self, section: dict[str, Any]) -> None:
        for job in _maps(section.get("jobs")):
            self._edge(self._target(job.get("scheduler")), self._target(job.get("job")), "schedule")

    def _triggers(self) -> None:
        for name, trigger in self.document.triggers.items():
            for item in [item for key in ("routes", "jobs", "subscriptions") for item in _maps(trigger.get(key))]:
                workflow = item.get("workflow")
                machine = self._machine(workflow)
                target = machine if machine in self.nodes else self._target(workflow)
                self._edge(f"trigger:{name}", target, "trigger", str(item.get("action") or ""))


def _hook_label(hook: dict[str, Any]) -> str:
    parts = [", ".join(str(name) for name in _list(hook.get("transitions")))]
    for key, word in (("fromStates", "from"), ("toStates", "to")):
        names = ", ".join(str(name) for name in _list(hook.get(key)))
        parts.append(f"{word} {names}" if names else "")
    return "; ".join(part for part in parts if part)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]
