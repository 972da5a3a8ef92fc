"""Names that refer to modules, pipelines and components (spec 2 [T])."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from apps.engine.checks.known import BROKERS, BUSES, ENGINES, PLACEHOLDERS, SCHEDULERS
from apps.engine.checks.report import LONGEST_SHOWN
from apps.engine.checks.scope import Scope, items_of
from apps.engine.document import DocumentPath
from apps.engine.flows import is_branching

# Of these a document may have several: all of them lead to the same place (spec/modules.md 2).
PARTS_THAT_ANY_PLAYS = frozenset({"router", "server", "broker"})
CALLED = "run"
HANDLING = "handle"


def refer(
    scope: Scope,
    name: str,
    path: DocumentPath,
    role: str,
    purpose: str,
    *,
    components: bool = True,
    modules_only: bool = False,
) -> str | None:
    """Resolve a name that must have the method `role`; report one that is nothing or cannot; return what it means."""
    module = scope.resolve(name)
    pipelines: Iterable[str] = () if modules_only else scope.pipelines
    bundled: Iterable[str] = scope.registry.components if components and not modules_only else ()
    if module is None:
        if name in pipelines or name in bundled:
            return name
        what = "module" if modules_only else "module or pipeline"
        scope.report("reference.unknown", path, scope.unknown(name, what, chain(scope.entries, pipelines, bundled)))
        return None
    module_type = scope.type_of(module)
    placeholder = module_type is None and scope.kinds[module] in PLACEHOLDERS  # may be called and nothing else
    if role == CALLED if placeholder else (module_type is None or _has(module_type, role)):
        return module
    if name in pipelines and role == HANDLING:
        return name
    scope.report("reference.unsuitable", path, f"{name!r} ({scope.kinds[module]}) cannot {purpose}.")
    return None


def _has(module_type: Any, role: str) -> bool:
    if role == CALLED and module_type.kind == "processing.step":
        return True  # called through what its `componentId` names
    if role in (CALLED, HANDLING) and is_branching(module_type):
        return True  # a flow begins there
    return hasattr(module_type, role) or (role == "before" and hasattr(module_type, "after"))


def one_module(scope: Scope, name: Any, path: DocumentPath, kinds: Sequence[str], what: str) -> str | None:
    """Resolve a module of one of the kinds: the named one, else the only one; report when there is none."""
    candidates = scope.of_kinds(kinds)
    if isinstance(name, str) and name:
        found = scope.resolve(name)
        if found is None:
            scope.report("reference.unknown", path, scope.unknown(name, what, candidates or scope.entries))
        elif scope.kinds[found] not in kinds and scope.type_of(found) is not None:
            scope.report("reference.unsuitable", path, f"{name!r} ({scope.kinds[found]}) is no {what}.")
        return found
    if len(candidates) == 1:
        return candidates[0]
    several = f"There are several: {', '.join(candidates[:LONGEST_SHOWN])}; name one with {path[-1]!r}."
    if candidates and what in PARTS_THAT_ANY_PLAYS:
        first = next(name for kind in kinds for name in candidates if scope.kinds[name] == kind)
        scope.report("reference.ambiguous", path[:-1], f"{several} {first!r} is meant.")
        return first
    message = several if candidates else f"No module is a {what} ({' or '.join(kinds)})."
    scope.report("reference.missing", path[:-1], message)
    return None


def one_broker(scope: Scope, name: Any, path: DocumentPath) -> None:
    """Resolve a broker; the event bus is one when it is named, or when there is no other."""
    kinds = (*BROKERS, *BUSES) if name or not scope.of_kinds(BROKERS) else BROKERS
    one_module(scope, name, path, kinds, "broker")


def check_module_references(scope: Scope) -> None:
    """Check what module configs refer to."""
    for entry in scope.entries.values():
        kind, config = scope.kinds[entry.name], entry.config
        path: DocumentPath = (*entry.path, "config")
        if scope.registry.get(entry.kind) is None:
            continue
        if kind == "api.handler":
            _api_handler(scope, config, path)
        elif kind == "persistence.store" and config.get("database"):
            one_module(scope, config["database"], (*path, "database"), ("database.workflow",), "database")
        elif kind == "processing.step":
            _processing_step(scope, entry.name, config, path)


def _api_handler(scope: Scope, config: dict[str, Any], path: DocumentPath) -> None:
    if config.get("workflowEngine"):
        one_module(scope, config["workflowEngine"], (*path, "workflowEngine"), ENGINES, "engine")
    machine = config.get("workflowType")
    if isinstance(machine, str) and machine and machine not in scope.definitions:
        message = scope.unknown(machine, "state machine", scope.definitions)
        scope.report("definition.unknown", (*path, "workflowType"), message)
    _transition(scope, config.get("initialTransition"), (*path, "initialTransition"))


def _processing_step(scope: Scope, name: str, config: dict[str, Any], path: DocumentPath) -> None:
    component = config.get("componentId")
    if isinstance(component, str) and component:
        found = refer(scope, component, (*path, "componentId"), CALLED, "be called by a step")
        if found is not None and scope.kinds.get(found) == "processing.step":
            message = f"{component!r} is a processing step itself."
            scope.report("reference.unsuitable", (*path, "componentId"), message)
    for key in ("successTransition", "compensateTransition"):
        _transition(scope, config.get(key), (*path, key))


def _transition(scope: Scope, name: Any, path: DocumentPath) -> None:
    known = scope.names_of("", "transitions")
    if isinstance(name, str) and name and name not in known:
        scope.report("transition.unknown", path, scope.unknown(name, "transition", known))


def workflow_names(scope: Scope) -> dict[str, None]:
    """Return everything a trigger may start: sections, state machines, pipelines, jobs, processors, registries.

    A broker publishes for the `messaging` section even where the document has no such section.
    """
    sections = scope.document.workflows
    others = (sections.get("event", {}).get("processor"), *_integrations(sections))
    named = (name for name in others if isinstance(name, str))
    publishing = ["messaging"] if scope.of_kinds((*BROKERS, *BUSES)) else []
    starting = (sections, publishing, scope.definitions, scope.pipelines, scope.flows.beginnings)
    return dict.fromkeys(chain(*starting, names_of_jobs(scope), named))


def names_of_jobs(scope: Scope) -> dict[str, None]:
    """Return every name that starts a job of the `scheduler` section, or of a module with jobs of its own."""
    written: list[tuple[Any, Any]] = [
        (job.get("scheduler"), job.get("job"))
        for _, job in items_of(scope.document.workflows.get("scheduler", {}).get("jobs"))
    ]
    for name in scope.of_kinds(SCHEDULERS):
        written += [(name, job) for job, _ in getattr(scope.built.get(name), "jobs", {}).values()]
    found: dict[str, None] = {}
    for scheduler, job in written:
        if isinstance(scheduler, str) and isinstance(job, str):
            found |= {job: None, f"{scheduler}:{job}": None}
    return found


def _integrations(sections: dict[str, Any]) -> Iterable[Any]:
    section = sections.get("integration", {})
    return section.get("registry"), section.get("name")
