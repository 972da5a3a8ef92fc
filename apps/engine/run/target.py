"""What a step may call: a module with a `run`, a bundled component, or a pipeline."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.engine.component import Component
from apps.engine.module import Context, Effect, Module
from apps.engine.outcome import Outcome, StepFailed
from apps.engine.run.program import RetryPolicy


@dataclass(frozen=True, slots=True)
class Target:
    """A module or component as a step sees it; `call(payload, context)` returns a value or an `Outcome`."""

    name: str
    call: Callable[[Any, Context], Any]
    is_async: bool
    effect: Effect = Effect.PURE
    writes: bool = False
    module: str = ""
    payload_form: str = "event"  # what a hook hands over: message, event, or flat (transition data and event together)
    verify: Callable[[Any, Context], Any] | None = None
    retry: RetryPolicy | None = None  # the target's own
    says_retry: bool = False  # the document wrote it in the target's config

    @property
    def is_pure(self) -> bool:
        """Whether calling it leaves no trace outside the run."""
        return self.effect is Effect.PURE and not self.writes


@dataclass(frozen=True, slots=True)
class PipelineTarget:
    """A pipeline of the document, or a flow that begins at a module, to be put in place where it is used."""

    name: str
    is_flow: bool = False
    payload_form: str = "flat"

    @property
    def entry(self) -> str:
        """The name of its program and of its block."""
        return f"{'flow' if self.is_flow else 'pipeline'}:{self.name}"


@dataclass(frozen=True, slots=True)
class ProcessingTarget:
    """A `processing.step`: another target with its own retries, and what its outcome does to the instance."""

    name: str
    target: Target | PipelineTarget
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    success_transition: str = ""
    compensate_transition: str = ""
    success_when: Callable[[dict[str, Any]], Any] | None = None


AnyTarget = Target | PipelineTarget | ProcessingTarget


def module_target(module: Module[Any], *, takes: bool = False) -> Target | None:
    """Return a module as a target, None when its type has no input port to call.

    With `takes` it is handed messages, for which a type may have a call of its own.
    """
    run = getattr(module, "run", None)
    if takes:
        run = getattr(module, "take", run)
    if run is None:
        return None
    return Target(
        name=module.name,
        call=run,
        is_async=inspect.iscoroutinefunction(run),
        effect=module.effect,
        writes=module.writes,
        module=module.name,
        payload_form="message" if module.category.value == "messaging" else "event",
        verify=getattr(module, "verify", None),
        retry=module.retry,
        says_retry=module.says_retry,
    )


def component_target(component: Component) -> Target:
    """Return a bundled component as a target."""
    return Target(
        name=component.name,
        call=component.start,
        is_async=component.is_async,
        effect=component.effect,
        writes=component.writes,
        payload_form="flat",
    )


def value_of(result: Any) -> Any:
    """Return what a target answered; an answer that means failure is raised."""
    if not isinstance(result, Outcome):
        return result
    if result.failed_as_result is not None:
        raise StepFailed(result.failed_as_result, code="step.failed_as_result", data=result.value, status=502)
    return result.value
