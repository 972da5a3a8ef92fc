"""The `pipelines` section: every step, expression, template and schema."""

from collections.abc import Callable
from typing import Any

from apps.engine.checks.references import CALLED, refer
from apps.engine.checks.report import shown
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import (
    ANY,
    ATTEMPTS,
    DURATION,
    FACTOR,
    LIST,
    MAP,
    NAME,
    SCALAR,
    TEXT,
    Key,
    Shape,
    check_shape,
    check_value,
    one_of,
)
from apps.engine.checks.uses import PATH, used_in
from apps.engine.document import DocumentPath
from apps.engine.json_schemas import BadSchema, Schema
from apps.engine.ordering import dependency_order

PIPELINE = Shape({"description": Key(TEXT), "input": Key(ANY), "steps": Key(LIST, required=True)})
RETRY = Shape(
    {
        "attempts": Key(ATTEMPTS),
        "firstPause": Key(DURATION),
        "factor": Key(FACTOR),
        "longestPause": Key(DURATION),
        "timeout": Key(DURATION),
    }
)
VALIDATE = Shape({"schema": Key(ANY), "module": Key(NAME), "value": Key(ANY)})
RESPOND = Shape({"status": Key(SCALAR), "headers": Key(MAP), "body": Key(ANY)})
STEPS: dict[str, dict[str, Key]] = {
    "set": {"set": Key(MAP, required=True)},
    "validate": {"validate": Key(VALIDATE, required=True), "value": Key(ANY)},
    "uses": {
        "uses": Key(NAME, required=True),
        "with": Key(ANY),
        "retry": Key(RETRY),
        "as": Key(NAME),
        "into": Key(one_of("data")),
    },
    "if": {"if": Key(SCALAR, required=True), "then": Key(LIST), "else": Key(LIST)},
    "switch": {"switch": Key(SCALAR, required=True), "cases": Key(MAP), "default": Key(LIST)},
    "emit": {"emit": Key(NAME, required=True), "key": Key(SCALAR), "payload": Key(ANY)},
    "respond": {"respond": Key(RESPOND)},
}
SHAPES = {kind: Shape({"name": Key(NAME), **keys}) for kind, keys in STEPS.items()}
DEEPEST = 50


def check_pipelines(scope: Scope) -> None:
    """Check every pipeline."""
    for name, pipeline in scope.pipelines.items():
        path = (*PATH, name)
        if name in scope.entries:
            scope.report(
                "pipeline.name.taken", path, f"A module is called {name!r} too, and is what the name means to a step."
            )
        if not check_value(scope, pipeline or {}, path, MAP):
            continue
        check_shape(scope, pipeline or {}, path, PIPELINE)
        if isinstance(pipeline, dict):
            if "input" in pipeline:
                _schema(scope, pipeline["input"], (*path, "input"))
            _Steps(scope).check(pipeline.get("steps"), (*path, "steps"))
    _cycles(scope)


class _Steps:
    """The steps of one pipeline."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.names: dict[str, DocumentPath] = {}
        self.kinds: dict[str, Callable[[dict[str, Any], DocumentPath], None]] = {
            "set": self._set,
            "validate": self._validate,
            "uses": self._uses,
            "if": self._if,
            "switch": self._switch,
            "emit": self._emit,
            "respond": self._respond,
        }

    def check(self, steps: Any, path: DocumentPath) -> None:
        """Check a list of steps and what is nested in them."""
        for index, step in enumerate(steps if isinstance(steps, list) else []):
            self._step(step, (*path, index))

    def _step(self, step: Any, path: DocumentPath) -> None:
        kinds = [kind for kind in STEPS if isinstance(step, dict) and kind in step]
        if len(kinds) != 1:
            found = f"this one says {' and '.join(kinds)}" if kinds else "this one says none of them"
            message = f"A step says exactly one of {', '.join(STEPS)}; {found}."
            self.scope.report("step.kind", path, message)
            return
        check_shape(self.scope, step, path, SHAPES[kinds[0]])
        self._name(step.get("name"), (*path, "name"))
        if step[kinds[0]] is not None:
            self.kinds[kinds[0]](step, path)

    def _name(self, name: Any, path: DocumentPath) -> None:
        if not isinstance(name, str):
            return
        if name in self.names:
            line = self.scope.document.mark_of(self.names[name]).line
            message = f"The name {name!r} is already used by the step in line {line}."
            self.scope.report("step.name.duplicate", path, message)
        self.names.setdefault(name, path)

    def _filled(self, step: dict[str, Any], path: DocumentPath, *keys: str) -> None:
        """Check templates whose result is stored or sent, where a secret has no place."""
        for key in keys:
            secrets = self.scope.template(step.get(key), (*path, key))
            self._no_secrets(secrets, (*path, key))

    def _no_secrets(self, secrets: set[str], path: DocumentPath) -> None:
        if secrets:
            names = ", ".join(sorted(secrets))
            self.scope.report("reference.unsuitable", path, f"A secret may be given to a module only: {names}.")

    def _set(self, step: dict[str, Any], path: DocumentPath) -> None:
        self._filled(step, path, "set")

    def _validate(self, step: dict[str, Any], path: DocumentPath) -> None:
        said = step["validate"]
        where = (*path, "validate")
        if not isinstance(said, dict):
            return
        if ("schema" in said) == ("module" in said):
            self.scope.report("section.required", where, "'validate' needs either 'schema' or 'module'.")
        elif "schema" in said:
            _schema(self.scope, said["schema"], (*where, "schema"))
        elif isinstance(said["module"], str):
            refer(self.scope, said["module"], (*where, "module"), CALLED, "validate", modules_only=True)
        self._filled(said, where, "value")
        self._filled(step, path, "value")

    def _uses(self, step: dict[str, Any], path: DocumentPath) -> None:
        name = step["uses"]
        secrets = self.scope.template(step.get("with"), (*path, "with"))
        if not isinstance(name, str):
            return
        found = refer(self.scope, name, (*path, "uses"), CALLED, "be called by a step")
        if found is not None and self.scope.resolve(name) is None and found in self.scope.pipelines:
            self._no_secrets(secrets, (*path, "with"))

    def _if(self, step: dict[str, Any], path: DocumentPath) -> None:
        condition = step["if"]
        if isinstance(condition, str | int | float) and not isinstance(condition, bool):
            self.scope.expression(condition, (*path, "if"))
        self.check(step.get("then"), (*path, "then"))
        self.check(step.get("else"), (*path, "else"))

    def _switch(self, step: dict[str, Any], path: DocumentPath) -> None:
        if isinstance(step["switch"], str):
            self.scope.expression(step["switch"], (*path, "switch"))
        cases = step.get("cases")
        for name, steps in (cases if isinstance(cases, dict) else {}).items():
            where = (*path, "cases", name)
            if steps is not None and check_value(self.scope, steps, where, LIST):
                self.check(steps, where)
        self.check(step.get("default"), (*path, "default"))

    def _emit(self, step: dict[str, Any], path: DocumentPath) -> None:
        self._filled(step, path, "emit", "key", "payload")

    def _respond(self, step: dict[str, Any], path: DocumentPath) -> None:
        said = step["respond"]
        self._filled(step, path, "respond")
        status = said.get("status") if isinstance(said, dict) else None
        if isinstance(status, int) and not 200 <= status <= 599:
            self.scope.report("section.invalid", (*path, "respond", "status"), "A status is between 200 and 599.")


def _schema(scope: Scope, schema: Any, path: DocumentPath) -> None:
    try:
        Schema(schema)
    except BadSchema as bad:
        scope.report("schema.invalid", path, f"This is no JSON Schema: {bad}.")
    except Exception as error:  # whatever a schema does to its compiler is the schema's fault
        scope.report("schema.invalid", path, f"This is no JSON Schema: {error}.")


def _cycles(scope: Scope) -> None:
    """Report pipelines that come back to themselves, through modules that call them too, or nest too deeply."""
    places = {name: used_in(scope, name) for name in scope.pipelines}
    order, cycles = dependency_order({name: [target for target, _ in found] for name, found in places.items()})
    for cycle in cycles:
        path = next(path for target, path in places[cycle[-1]] if target == cycle[0])
        scope.report("pipeline.cycle", path, f"These pipelines use each other: {shown(cycle)}.")
    depths: dict[str, int] = {}
    for name in order:
        depths[name] = 1 + max((depths.get(target, 0) for target, _ in places[name]), default=0)
        if depths[name] == DEEPEST + 1:
            message = f"Pipelines that use each other may go {DEEPEST} deep; {name!r} goes deeper."
            scope.report("pipeline.too_deep", (*PATH, name), message)
