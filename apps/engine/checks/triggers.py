"""Triggers: their shape, and that what they start exists (spec 5, 6)."""

from typing import Any

from apps.engine.checks.event import check_event_action
from apps.engine.checks.http import check_pattern
from apps.engine.checks.known import BROKERS, BUSES
from apps.engine.checks.references import names_of_jobs, workflow_names
from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.shapes import FLAG, LIST, MAP, NAME, SCALAR, Key, Shape, check_shape
from apps.engine.checks.subscribing import check_mock, check_subscribing
from apps.engine.document import DocumentPath

HTTP = Shape({"routes": Key(LIST), "enabled": Key(FLAG), "port": Key(SCALAR)})
ROUTE = Shape(
    {
        "path": Key(NAME, required=True),
        "method": Key(NAME, required=True),
        "workflow": Key(NAME, required=True),
        "action": Key(NAME, required=True),
        "params": Key(MAP),
    }
)
ITEMS = {"http": "routes", "schedule": "jobs", "event": "subscriptions", "eventbus": "subscriptions"}


def check_triggers(scope: Scope) -> None:
    """Check every trigger that is not switched off."""
    known, jobs = workflow_names(scope), names_of_jobs(scope)
    for name, trigger in scope.document.triggers.items():
        if trigger.get("enabled") is False:
            continue
        if name == "http":
            _http(scope, trigger)
        elif name in ("event", "eventbus"):
            check_subscribing(scope, name, trigger)
        elif name == "mock":
            check_mock(scope)
        for index, item in items_of(trigger.get(ITEMS.get(name, ""))):
            _target(scope, item, ("triggers", name, ITEMS[name], index), known, jobs)


def _http(scope: Scope, trigger: dict[str, Any]) -> None:
    path: DocumentPath = ("triggers", "http")
    check_shape(scope, trigger, path, HTTP)
    routes = trigger.get("routes")
    if routes is None:
        if "port" in trigger or "enabled" in trigger:
            scope.report("trigger.empty", path, "This trigger has no routes, so it starts nothing.")
        else:
            scope.report("section.required", (*path, "routes"), "'routes' is missing.")
        return
    if "port" in trigger:
        scope.report("key.ignored", (*path, "port"), "'port' has no effect: the routes are served with the others.")
    for index, route in enumerate(routes if isinstance(routes, list) else []):
        where = (*path, "routes", index)
        if check_shape(scope, route, where, ROUTE):
            check_pattern(scope, route, where)


def _target(
    scope: Scope, item: dict[str, Any], path: DocumentPath, known: dict[str, None], jobs: dict[str, None]
) -> None:
    workflow, action = item.get("workflow"), item.get("action")
    if not isinstance(workflow, str) or not workflow:
        return
    if workflow not in known:
        message = scope.unknown(workflow, "workflow", known)
        scope.report("trigger.workflow.unknown", (*path, "workflow"), message)
    elif workflow in scope.definitions and isinstance(action, str) and action:
        transitions = scope.names_of(workflow, "transitions")
        if action not in transitions:
            message = scope.unknown(action, f"transition of {workflow!r}", transitions)
            scope.report("trigger.action.unknown", (*path, "action"), message)
    elif workflow == "messaging" and isinstance(action, str):
        _broker(scope, action.rpartition(":")[0], (*path, "action"))
    elif workflow == "event" and isinstance(action, str):
        check_event_action(scope, item, (*path, "action"))
    elif workflow == "scheduler" and isinstance(action, str) and action and action not in jobs:
        scope.report("trigger.action.unknown", (*path, "action"), scope.unknown(action, "job", jobs))


def _broker(scope: Scope, name: str, path: DocumentPath) -> None:
    """Check the broker that `broker:topic` names; a topic alone goes to whatever broker there is."""
    brokers = scope.of_kinds((*BROKERS, *BUSES))
    if name and scope.resolve(name) not in brokers:
        scope.report("trigger.action.unknown", path, scope.unknown(name, "broker", dict.fromkeys(brokers)))
