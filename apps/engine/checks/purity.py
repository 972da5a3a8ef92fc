"""Which work leaves something behind: modules by their effect, pipelines by their steps."""

from typing import Any

from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.uses import steps_in, used_in
from apps.engine.ordering import dependency_order
from apps.engine.sections.fronts import fronts_of


class Purity:
    """Answers by name; every pipeline is looked at once, those it uses first."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        producers = scope.document.workflows.get("messaging", {}).get("producers")
        names = (item.get("name") for _, item in items_of(producers) if item.get("forwardTo"))
        self._forwarding = {name for name in names if isinstance(name, str)}
        self._fronts = fronts_of(scope.document.modules, scope.kinds)
        self._pipelines: dict[str, bool] = {}
        self._flows: dict[str, bool] = {}
        for name in scope.flows.order:
            self._flows[name] = self.of(name) and all(self._flows.get(each, True) for each in scope.flows.next[name])
        order, _ = dependency_order({name: [used for used, _ in used_in(scope, name)] for name in scope.pipelines})
        for name in order:
            pipeline = scope.pipelines[name]
            steps = steps_in(pipeline.get("steps") if isinstance(pipeline, dict) else None)
            self._pipelines[name] = all(self._step(step) for step in steps)

    def of(self, name: str) -> bool:
        """Whether calling a module, pipeline or component leaves nothing behind."""
        module = self._scope.resolve(name)
        if name in self._forwarding or module in self._forwarding:
            return False
        if module is not None and self._scope.kinds[module] == "processing.step":
            component = self._scope.entries[module].config.get("componentId")
            return not isinstance(component, str) or self._called(component)
        return self._called(name)

    def of_handler(self, name: str) -> bool:
        """The same for the handler of a route: a module that cannot answer leaves its name to a pipeline."""
        module = self._scope.resolve(name)
        module_type = None if module is None else self._scope.type_of(module)
        if name in self._pipelines and module_type is not None and not hasattr(module_type, "handle"):
            return name not in self._forwarding and self._pipelines[name]
        return self.of(self._fronts.get(module or "", name))

    def _called(self, name: str) -> bool:
        """Whether what a step calls is pure; a circle adds nothing here and is reported elsewhere."""
        module = self._scope.resolve(name)
        if module is not None:
            return self._flows.get(module, True) and self._scope.is_pure(module)
        if name in self._scope.pipelines:
            return self._pipelines.get(name, True)
        component = self._scope.registry.components.get(name)
        return component is None or component.effect.value == "pure"

    def _step(self, step: dict[str, Any]) -> bool:
        if "emit" in step:
            return False
        validate = step.get("validate")
        used = (step.get("uses"), validate.get("module") if isinstance(validate, dict) else None)
        return all(self.of(name) for name in used if isinstance(name, str))
