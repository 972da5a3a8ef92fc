"""Which work leaves something behind: modules by their effect, pipelines by their steps."""

from typing import Any

from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.uses import steps_in, used_in
from apps.engine.ordering import dependency_order
from apps.engine.sections.fronts import fronts_of
from apps.engine.sections.producers import topics_heard, topics_named


class Purity:
    """Answers by name; every pipeline is looked at once, those it uses first."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._forwarding = _forwarding(scope)
        self._fronts = fronts_of(scope.document.modules, scope.kinds)
        self._pipelines: dict[str, bool] = {}
        self._flows: dict[str, bool] = {}
        for name in scope.flows.order:
            self._flows[name] = self._used(name) and all(map(self._passed, scope.flows.next[name]))
        order, _ = dependency_order({name: [used for used, _ in used_in(scope, name)] for name in scope.pipelines})
        for name in order:
            pipeline = scope.pipelines[name]
            steps = steps_in(pipeline.get("steps") if isinstance(pipeline, dict) else None)
            self._pipelines[name] = all(self._step(step) for step in steps)

    def of(self, name: str) -> bool:
        """Whether a handler, which is a module, pipeline or component, leaves nothing behind."""
        return (self._scope.resolve(name) or name) not in self._forwarding and self._used(name)

    def _passed(self, name: str) -> bool:
        """The same for what a flow leads on to; a branch node forwards nothing by itself."""
        forwards = name in self._forwarding and name not in self._scope.flows.branching
        return self._flows.get(name, True) and not forwards

    def _used(self, name: str) -> bool:
        """The same for what a step uses, for which nothing is forwarded."""
        module = self._scope.resolve(name)
        if module is not None and self._scope.kinds[module] == "processing.step":
            component = self._scope.entries[module].config.get("componentId")
            return not isinstance(component, str) or self._called(component)
        return self._called(name)

    def of_handler(self, name: str) -> bool:
        """The same for the handler of a route: a module that cannot answer leaves its name to a pipeline."""
        module = self._scope.resolve(name)
        if (module or name) in self._forwarding:
            return False
        module_type = None if module is None else self._scope.type_of(module)
        if name in self._pipelines and module_type is not None and not hasattr(module_type, "handle"):
            return self._pipelines[name]
        return self._used(self._fronts.get(module or "", name))

    def _called(self, name: str) -> bool:
        """Whether what a step calls is pure; a circle adds nothing here and is reported elsewhere."""
        module = self._scope.resolve(name)
        if module is not None:
            return self._flows.get(module, True) and self._scope.is_pure(module)
        if name in self._scope.pipelines:
            return self._pipelines.get(name, True)
        component = self._scope.registry.components.get(name)
        return component is None or (component.effect.value == "pure" and not component.writes)

    def _step(self, step: dict[str, Any]) -> bool:
        if "emit" in step:
            return False
        validate = step.get("validate")
        used = (step.get("uses"), validate.get("module") if isinstance(validate, dict) else None)
        return all(self._used(name) for name in used if isinstance(name, str))


def _forwarding(scope: Scope) -> set[str]:
    """Return the handlers for which `messaging.producers` say where something goes on to."""

    def meant(name: str) -> str:
        return scope.resolve(name) or name

    section = scope.document.workflows.get("messaging", {})
    heard = topics_heard((item for _, item in items_of(section.get("subscriptions"))), meant)
    named = ((item.get("name"), item) for _, item in items_of(section.get("producers")))
    found = ((meant(name), item) for name, item in named if isinstance(name, str))
    return {name for name, item in found if topics_named(item, name, heard)}
