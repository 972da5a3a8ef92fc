"""What modules call in the transaction of a request (`Module.calls`): it must exist, and it must not act outside."""

from typing import Any

from apps.engine.checks.references import CALLED, refer
from apps.engine.checks.scope import Scope
from apps.engine.checks.uses import steps_in, used_in
from apps.engine.document import DocumentPath
from apps.engine.module import Effect
from apps.engine.ordering import dependency_order


def check_calls(scope: Scope) -> None:
    """Report what is nothing, what cannot be called, and what would leave the transaction."""
    asked = [
        (name, (*scope.entries[module.name].path, "config", key))
        for module in scope.built.values()
        for key, name in module.calls().items()
    ]
    if not asked:
        return
    outside = _Outside(scope)
    for name, path in asked:
        _call(scope, name, path, outside)


def _call(scope: Scope, name: str, path: DocumentPath, outside: "_Outside") -> None:
    found = refer(scope, name, path, CALLED, "be called by a request")
    if found is None:
        return
    if scope.kinds.get(found) == "processing.step":
        message = f"{name!r} is a processing step, which is tried again in a run; name what it calls."
        scope.report("reference.unsuitable", path, message)
    elif outside.of(found):
        message = f"{name!r} acts outside, which a request's transaction cannot undo; publish a message or start a run."
        scope.report("hook.outside", path, message)


class _Outside:
    """Which targets act outside of the unit; every pipeline is looked at once, those it uses first."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._pipelines: dict[str, bool] = {}
        order, _ = dependency_order({name: [used for used, _ in used_in(scope, name)] for name in scope.pipelines})
        for name in order:
            pipeline = scope.pipelines[name]
            steps = steps_in(pipeline.get("steps") if isinstance(pipeline, dict) else None)
            self._pipelines[name] = any(self._step(step) for step in steps)

    def of(self, name: str) -> bool:
        """Whether calling a module, pipeline or component may leave a trace that is not undone with the unit."""
        module = self._scope.resolve(name)
        if module is not None and self._scope.kinds[module] == "processing.step":
            component = self._scope.entries[module].config.get("componentId")
            return isinstance(component, str) and self._called(component)
        return self._called(name)

    def _called(self, name: str) -> bool:
        module = self._scope.resolve(name)
        if module is not None:
            source: Any = self._scope.built.get(module) or self._scope.type_of(module)
            return source is not None and source.effect is not Effect.PURE
        if name in self._scope.pipelines:
            return self._pipelines.get(name, False)
        component = self._scope.registry.components.get(name)
        return component is not None and component.effect is not Effect.PURE

    def _step(self, step: dict[str, Any]) -> bool:
        return isinstance(step.get("uses"), str) and self.of(step["uses"])
