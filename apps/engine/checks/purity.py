"""Which work leaves something behind: modules by their effect, pipelines by their steps."""

from collections.abc import Iterator
from typing import Any

from apps.engine.checks.scope import Scope, items_of


class Purity:
    """Answers by name, each pipeline looked at once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, bool] = {}
        producers = scope.document.workflows.get("messaging", {}).get("producers")
        names = (item.get("name") for _, item in items_of(producers) if item.get("forwardTo"))
        self._forwarding = {name for name in names if isinstance(name, str)}

    def of(self, name: str) -> bool:
        """Whether calling a module, pipeline or component leaves nothing behind."""
        if name in self._forwarding:
            return False
        module = self._scope.resolve(name)
        if module is not None:
            return module not in self._forwarding and self._module(module)
        if name in self._scope.pipelines:
            return self._pipeline(name)
        component = self._scope.registry.components.get(name)
        return component is None or component.effect.value == "pure"

    def _module(self, name: str) -> bool:
        if self._scope.kinds[name] == "processing.step":
            component = self._scope.entries[name].config.get("componentId")
            return not isinstance(component, str) or component == name or self._pure_once(f"step:{name}", component)
        return self._scope.is_pure(name)

    def _pure_once(self, key: str, target: str) -> bool:
        if key not in self._known:
            self._known[key] = True  # what refers to itself adds nothing; the circle is reported elsewhere
            self._known[key] = self.of(target)
        return self._known[key]

    def _pipeline(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = True
            pipeline = self._scope.pipelines[name]
            steps = steps_in(pipeline.get("steps") if isinstance(pipeline, dict) else None)
            self._known[name] = all(self._step(step) for step in steps)
        return self._known[name]

    def _step(self, step: dict[str, Any]) -> bool:
        if "emit" in step:
            return False
        validate = step.get("validate")
        used = (step.get("uses"), validate.get("module") if isinstance(validate, dict) else None)
        return all(self.of(name) for name in used if isinstance(name, str))


def steps_in(steps: Any) -> Iterator[dict[str, Any]]:
    """Return every step of a list, those in branches included."""
    waiting = [steps]
    while waiting:
        for _, step in items_of(waiting.pop()):
            yield step
            cases = step.get("cases")
            waiting += [step.get("then"), step.get("else"), step.get("default")]
            waiting += list(cases.values()) if isinstance(cases, dict) else []
