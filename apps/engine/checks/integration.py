"""The `integration` section: its registry, connectors and steps (spec 4.6)."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from apps.engine.celsyntax import BadExpression
from apps.engine.checks.config_keys import existing, keys_at
from apps.engine.checks.references import one_module
from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.shapes import DURATION, LIST, MAP, NAME, TEXT, Key, Kind, Shape, check_shape
from apps.engine.connectors.base import BadAction
from apps.engine.connectors.http_connector import HttpCall
from apps.engine.connectors.kinds import KINDS, AnyConnector, make_connector
from apps.engine.connectors.webhook_connector import WebhookConnector
from apps.engine.document import DocumentPath
from apps.engine.object_literals import ObjectLiteral
from apps.engine.routes import shape
from apps.engine.step_settings import MOST_RETRIES
from apps.engine.topics import TopicTable


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        number = float(value)
    except ValueError:
        return False
    return number.is_integer() and 0 <= number <= MOST_RETRIES


REGISTRIES = ("integration.registry",)
RETRIES = Kind(f"a whole number from 0 to {MOST_RETRIES}", _is_count)
SECTION = Shape(
    {
        "registry": Key(NAME, required=True),
        "name": Key(NAME),
        "connectors": Key(LIST, required=True),
        "steps": Key(LIST),
    }
)
CONNECTOR = Shape({"name": Key(NAME, required=True), "type": Key(NAME, required=True), "config": Key(MAP)})
STEP = Shape(
    {
        "name": Key(NAME, required=True),
        "connector": Key(NAME, required=True),
        "action": Key(NAME, required=True),
        "input": Key(MAP),
        "transform": Key(TEXT),
        "onSuccess": Key(TEXT),
        "onError": Key(TEXT),
        "retryCount": Key(RETRIES),
        "retryDelay": Key(DURATION),
    }
)
PATH: DocumentPath = ("workflows", "integration")


def check_integration(scope: Scope) -> None:
    """Check the section, when there is one."""
    section = scope.document.workflows.get("integration")
    if section is None:
        return
    check_shape(scope, section, PATH, SECTION)
    if isinstance(section.get("registry"), str) and section["registry"]:
        one_module(scope, section["registry"], (*PATH, "registry"), REGISTRIES, "integration registry")
    is_topic = _topics(scope)
    connectors = _connectors(scope, section.get("connectors"), is_topic)
    seen: set[str] = set()
    steps = section.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        path = (*PATH, "steps", index)
        if check_shape(scope, step, path, STEP):
            _double(scope, step["name"], (*path, "name"), seen, "step")
            _step(scope, step, path, connectors, is_topic)


def _topics(scope: Scope) -> Callable[[str], bool]:
    """Return whether a topic is taken in by a subscription, or by a handler's own `topic`."""
    written = scope.document.workflows.get("messaging", {}).get("subscriptions")
    topics = [item.get("topic") for _, item in items_of(written)]
    topics += [entry.config.get("topic") for entry in scope.entries.values()]
    table = TopicTable((topic, True) for topic in topics if isinstance(topic, str) and topic)
    return lambda topic: bool(table.find(topic))


def _connectors(scope: Scope, written: Any, is_topic: Callable[[str], bool]) -> dict[str, AnyConnector | None]:
    """Check every connector; return those that are named, None for one that cannot be made."""
    found: dict[str, AnyConnector | None] = {}
    if isinstance(written, list) and not written:
        scope.report("section.invalid", (*PATH, "connectors"), "At least one connector is needed.")
    seen: set[str] = set()
    paths = _taken(scope)
    for index, said in enumerate(written if isinstance(written, list) else []):
        path = (*PATH, "connectors", index)
        if not check_shape(scope, said, path, CONNECTOR):
            continue
        _double(scope, said["name"], (*path, "name"), seen, "connector")
        if said["type"] not in KINDS:
            message = scope.unknown(said["type"], "type of connector", KINDS)
            scope.report("section.invalid", (*path, "type"), message)
            found.setdefault(said["name"], None)
            continue
        connector = _made(scope, said, (*path, "config"))
        found.setdefault(said["name"], connector)
        if isinstance(connector, WebhookConnector):
            _webhook(scope, connector, (*path, "config"), paths, is_topic)
    return found


def _taken(scope: Scope) -> dict[str, str]:
    """Return what answers POST already, by the shape of its path."""
    routes = [*items_of(scope.document.workflows.get("http", {}).get("routes"))]
    trigger = scope.document.triggers.get("http", {})
    routes += [] if trigger.get("enabled") is False else items_of(trigger.get("routes"))
    return {
        shape(route["path"]): "a route"
        for _, route in routes
        if isinstance(route.get("path"), str) and str(route.get("method")).upper() == "POST"
    }


def _double(scope: Scope, name: str, path: DocumentPath, seen: set[str], what: str) -> None:
    if name in seen:
        scope.report("section.invalid", path, f"Two of the section's {what}s are called {name!r}.")
    seen.add(name)


def _made(scope: Scope, said: dict[str, Any], path: DocumentPath) -> AnyConnector | None:
    config = said.get("config") or {}
    try:
        connector = make_connector(said["name"], said["type"], config)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            _fault(scope, said["type"], config, path, dict(fault))
        return None
    if not scope.undecided.is_within(path):
        for key, code, message in connector.faults():
            scope.report(code, (*path, key), message)
    return connector


def _fault(scope: Scope, kind: str, config: dict[str, Any], path: DocumentPath, fault: dict[str, Any]) -> None:
    location = tuple(fault["loc"])
    inside = existing(config, location)
    sort, message = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if sort == "extra_forbidden":
        hint = scope.nearest(str(inside[-1]), keys_at(KINDS[kind].Config, inside[:-1]))
        scope.report("key.unknown", (*path, *inside), f"A connector {kind!r} has no key {str(inside[-1])!r}.{hint}")
    elif sort in ("missing", "string_too_short"):
        scope.report("section.required", (*path, location[0]), f"A connector {kind!r} needs {str(location[0])!r}.")
    else:
        scope.report("section.invalid", (*path, *inside), f"{message}.")


def _webhook(
    scope: Scope,
    connector: WebhookConnector,
    path: DocumentPath,
    paths: dict[str, str],
    is_topic: Callable[[str], bool],
) -> None:
    where = shape(connector.config.path)
    if where in paths:
        message = f"POST {connector.config.path} is already answered by {paths[where]}, which wins."
        scope.report("route.duplicate", (*path, "path"), message)
    paths.setdefault(where, f"the connector {connector.name!r}")
    if "port" in scope.document.value(path):
        message = "'port' has no effect: the address is served with the document's others."
        scope.report("key.ignored", (*path, "port"), message)
    for kind, name in connector.config.handlers.items():
        _follows(scope, name, (*path, "handlers", kind), is_topic)


def _step(
    scope: Scope,
    step: dict[str, Any],
    path: DocumentPath,
    connectors: dict[str, AnyConnector | None],
    is_topic: Callable[[str], bool],
) -> None:
    name = step["connector"]
    if name not in connectors:
        scope.report("reference.unknown", (*path, "connector"), scope.unknown(name, "connector", connectors))
    scope.template(step.get("input"), (*path, "input"))
    keys = _transform(scope, step.get("transform"), (*path, "transform"))
    connector = connectors.get(name)
    if connector is not None:
        _action(scope, connector, step, path, keys)
    for key in ("onSuccess", "onError"):
        if step.get(key):
            _follows(scope, step[key], (*path, key), is_topic)


def _transform(scope: Scope, text: Any, path: DocumentPath) -> frozenset[str] | None:
    """Check the literal that replaces the input; return its keys, None when there is none."""
    if not text:
        return None
    try:
        return ObjectLiteral(text).keys
    except BadExpression as bad:
        scope.report_text("expression.invalid", path, bad.offset, bad.message)
        return frozenset()


def _action(
    scope: Scope, connector: AnyConnector, step: dict[str, Any], path: DocumentPath, keys: frozenset[str] | None
) -> None:
    try:
        call = connector.prepare(step["action"])
    except BadAction as bad:
        scope.report("section.invalid", (*path, "action"), str(bad))
        return
    if not isinstance(call, HttpCall):
        return
    given = keys if keys is not None else (step.get("input") or {}).keys()
    for name in sorted(call.parameters - given):
        message = f"Nothing gives the path's {{{name}}}: neither input nor transform has a key {name!r}."
        scope.report("section.invalid", (*path, "action"), message)


def _follows(scope: Scope, name: str, path: DocumentPath, is_topic: Callable[[str], bool]) -> None:
    if not is_topic(name) and not scope.is_target(name):
        message = scope.unknown(name, "module, pipeline or subscribed topic", scope.targets())
        scope.report("integration.target.unknown", path, message)
