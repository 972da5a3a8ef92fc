"""The `statemachine` section: definitions, hooks and mappings (spec 4.3)."""

from typing import Any

from apps.engine.checks.known import ENGINES
from apps.engine.checks.purity import Purity
from apps.engine.checks.references import CALLED, one_module, refer
from apps.engine.checks.scope import Scope, items_of, keys_of
from apps.engine.checks.shapes import (
    ANY,
    FLAG,
    IGNORED,
    MAP,
    NAME,
    NAMES,
    SCALAR,
    TEXT,
    Key,
    ListOf,
    MapOf,
    Shape,
    check_shape,
)
from apps.engine.document import DocumentPath

STATE = Shape({"description": Key(TEXT), "isFinal": Key(FLAG), "isError": Key(FLAG), "data": Key(MAP)})
TRANSITION = Shape(
    {
        "fromState": Key(NAME, required=True),
        "toState": Key(NAME, required=True),
        "condition": Key(SCALAR),
        "autoTransform": Key(FLAG),
        "description": Key(TEXT),
        "data": Key(ANY),
    }
)
DEFINITION = Shape(
    {
        "name": Key(NAME, required=True),
        "description": Key(TEXT),
        "initialState": Key(NAME, required=True),
        "states": Key(MapOf(STATE), required=True),
        "transitions": Key(MapOf(TRANSITION)),
        "autoStart": Key(FLAG),
    }
)
HOOK = Shape(
    {
        "workflowType": Key(TEXT),
        "transitions": Key(NAMES),
        "fromStates": Key(NAMES),
        "toStates": Key(NAMES),
        "handler": Key(NAME, required=True),
    }
)
MAPPING = Shape(
    {
        "resourceType": Key(NAME, required=True),
        "stateMachine": Key(NAME, required=True),
        "instanceIDKey": Key(NAME),
    }
)
SECTION = Shape(
    {
        "engine": Key(NAME),
        "definitions": Key(ListOf(DEFINITION), required=True),
        "hooks": Key(ListOf(HOOK)),
        "resourceMappings": Key(ListOf(MAPPING)),
        "modules": IGNORED,
    }
)
PATH: DocumentPath = ("workflows", "statemachine")


def check_statemachine(scope: Scope, purity: Purity) -> None:
    """Check the section, when there is one."""
    section = scope.document.workflows.get("statemachine")
    if section is None:
        return
    check_shape(scope, section, PATH, SECTION)
    one_module(scope, section.get("engine"), (*PATH, "engine"), ENGINES, "engine")
    seen: dict[str, int] = {}
    for index, definition in items_of(section.get("definitions")):
        path = (*PATH, "definitions", index)
        name = definition.get("name")
        if isinstance(name, str) and name in seen:
            message = f"The name {name!r} is already used by definitions[{seen[name]}]."
            scope.report("definition.duplicate", (*path, "name"), message)
        if isinstance(name, str):
            seen.setdefault(name, index)
        _definition(scope, definition, path)
    for index, hook in items_of(section.get("hooks")):
        _hook(scope, hook, (*PATH, "hooks", index), purity)
    for index, mapping in items_of(section.get("resourceMappings")):
        _mapping(scope, mapping.get("stateMachine"), (*PATH, "resourceMappings", index, "stateMachine"))


def _definition(scope: Scope, definition: dict[str, Any], path: DocumentPath) -> None:
    states = dict.fromkeys(keys_of(definition.get("states")))
    if definition.get("states") == {}:
        scope.report("section.required", (*path, "states"), "A state machine has at least one state.")
    _state(scope, definition.get("initialState"), (*path, "initialState"), states)
    transitions = definition.get("transitions")
    for name, transition in (transitions if isinstance(transitions, dict) else {}).items():
        where = (*path, "transitions", name)
        if not isinstance(transition, dict):
            continue
        _state(scope, transition.get("fromState"), (*where, "fromState"), states)
        _state(scope, transition.get("toState"), (*where, "toState"), states)
        condition = transition.get("condition")
        if condition not in (None, "") and not isinstance(condition, bool | dict | list):
            scope.expression(condition, (*where, "condition"))


def _state(scope: Scope, name: Any, path: DocumentPath, states: dict[str, None]) -> None:
    if isinstance(name, str) and name and name not in states:
        scope.report("state.unknown", path, scope.unknown(name, "state", states))


def _hook(scope: Scope, hook: dict[str, Any], path: DocumentPath, purity: Purity) -> None:
    machine = hook.get("workflowType")
    definitions = scope.definitions
    if isinstance(machine, str) and machine and machine not in definitions:
        message = scope.unknown(machine, "state machine", definitions)
        scope.report("definition.unknown", (*path, "workflowType"), message)
    else:
        _hook_names(scope, hook, path, machine if isinstance(machine, str) else "")
    name = hook.get("handler")
    if not isinstance(name, str) or not name:
        return
    handler = refer(scope, name, (*path, "handler"), CALLED, "be called by a transition")
    if handler is None or scope.kinds.get(handler) == "processing.step" or purity.of(handler):
        return
    message = f"{name!r} has effects, so it runs after the transition is committed and cannot stop it."
    scope.report("hook.after_commit", (*path, "handler"), message)


def _hook_names(scope: Scope, hook: dict[str, Any], path: DocumentPath, machine: str) -> None:
    """Names that no definition has make a hook that never runs."""
    parts = (("transitions", "transition"), ("fromStates", "state"), ("toStates", "state"))
    for key, what in parts:
        code = f"{what}.unknown"
        names = scope.names_of(machine, f"{what}s")
        written = hook.get(key)
        for index, name in enumerate(written if isinstance(written, list) else []):
            if isinstance(name, str) and name and name not in names:
                scope.report(code, (*path, key, index), scope.unknown(name, what, names))


def _mapping(scope: Scope, name: Any, path: DocumentPath) -> None:
    """A mapping names an engine, by its name or the end of it, or a definition."""
    if not isinstance(name, str) or not name:
        return
    engines = scope.of_kinds(ENGINES)
    if any(engine == name or engine.endswith(f".{name}") for engine in engines) or name in scope.definitions:
        return
    scope.report("reference.unknown", path, scope.unknown(name, "state machine", [*engines, *scope.definitions]))
