"""Does the work that a state transition asks for, after the transition is committed.

A hook names this module; `componentId` names what it calls: a module of the document, a pipeline, or a bundled
component, with the instance's data and the transition. A good answer fires `successTransition` with the answer as its
data. When all tries have failed, or the answer means failure, `compensateTransition` fires with `{error}`; without one
the instance is marked with the error. An answer means failure when `successWhen` is false for it, or, without
`successWhen`, when it says `available: false` or a `status` of declined, failed or error.

How often a call in a pipeline is tried says its own `retry:`, else the retries in the called module's config, else this
step. A module that is named itself is tried as this step says, or as its own config does where this step says nothing.
"""

from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel, WholeNumber
from apps.engine.expressions import BadExpression, compile_expression
from apps.engine.module import Category, Module, ModulePort
from apps.engine.run.program import RetryPolicy

MOST_RETRIES = 50


class ProcessingStepConfig(SettingsModel):
    """Settings of `processing.step`."""

    component_id: str = Field("", description="The module, pipeline or bundled component to call.")
    success_transition: str = Field("", description="Fired after a good answer; empty for none.")
    compensate_transition: str = Field("", description="Fired when all tries have failed; empty for none.")
    max_retries: WholeNumber = Field(2, le=MOST_RETRIES, description="Tries after the first one; negative means 2.")
    retry_backoff_ms: WholeNumber = Field(1000, ge=0, description="Pause before the second try; it doubles each time.")
    timeout_seconds: WholeNumber = Field(30, ge=1, le=3600, description="How long one try may take.")
    success_when: str = Field("", description="Expression over the answer (`data`) that says whether it is good.")

    @field_validator("max_retries")
    @classmethod
    def _two_when_negative(cls, value: int) -> int:
        return 2 if value < 0 else value


class ProcessingStep(Module[ProcessingStepConfig]):
    """Work between two transitions."""

    kind = "processing.step"
    title = "Processing step"
    category = Category.STATEMACHINE
    Config = ProcessingStepConfig
    retry_keys = frozenset({"max_retries", "retry_backoff_ms"})
    inputs = (ModulePort("transition", "event", "A committed transition with the instance's data."),)
    outputs = (
        ModulePort("success", "event", "The success transition."),
        ModulePort("failure", "event", "The compensating transition."),
    )

    def __init__(self, name: str, config: ProcessingStepConfig) -> None:
        super().__init__(name, config)
        self.retry = RetryPolicy(
            attempts=config.max_retries + 1,
            first_pause_seconds=config.retry_backoff_ms / 1000,
            factor=2.0,
            longest_pause_seconds=3600.0,
            timeout_seconds=float(config.timeout_seconds),
        )

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that nothing is named to call, or that `successWhen` is not an expression."""
        found = []
        if not self.config.component_id:
            found.append(("componentId", "config.required", "Name what the step calls."))
        try:
            if self.config.success_when:
                compile_expression(self.config.success_when)
        except BadExpression as error:
            found.append(("successWhen", "expression.invalid", str(error)))
        return found
