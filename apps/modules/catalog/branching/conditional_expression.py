"""Sends a message the way that its expression names.

The value of the expression is compared as text with each of the `outputs`: where number i fits (counted from 0) the
message goes to the branch `out-<i>`, unchanged. Where none fits, or there are no outputs, it goes to the branch
`result`, else to `default`; without either it stops here. Expressions know what those of `conditional.ifelse` know.
"""

from typing import Any

from pydantic import Field

from apps.engine.branching import compile_branch
from apps.engine.celsyntax import BadExpression
from apps.engine.config_types import SettingsModel
from apps.engine.expressions import text_of
from apps.engine.module import Category, Module, ModulePort

RESULT = "result"
DEFAULT = "default"
MOST_OUTPUTS = 200


class ConditionalExpressionConfig(SettingsModel):
    """Settings of `conditional.expression`."""

    expression: str = Field(min_length=1, description="What names the way out, such as `order.region`.")
    outputs: list[str | int | float | bool] = Field(
        default_factory=list, max_length=MOST_OUTPUTS, description="The values that have a way out of their own."
    )


class ConditionalExpression(Module[ConditionalExpressionConfig]):
    """A branch node whose value is its way out."""

    kind = "conditional.expression"
    title = "Expression branch"
    category = Category.BRANCHING
    Config = ConditionalExpressionConfig
    inputs = (ModulePort("message", "message", "A message."),)
    outputs = (
        ModulePort("out-0", "message", "The message, where the first output fits; and so on for each output."),
        ModulePort(RESULT, "message", "The message, where no output fits."),
    )

    def __init__(self, name: str, config: ConditionalExpressionConfig) -> None:
        super().__init__(name, config)
        self.ways = (*(f"out-{index}" for index in range(len(config.outputs))), RESULT, DEFAULT)
        self._fault = ""
        self._by_text: dict[str, str] = {}
        for index, output in enumerate(config.outputs):
            self._by_text.setdefault(text_of(output), f"out-{index}")
        try:
            self._expression = compile_branch(config.expression)
        except BadExpression as bad:
            self._fault = bad.message

    def problems(self) -> list[tuple[str, str, str]]:
        """Say what is wrong with the expression."""
        return [("expression", "expression.invalid", self._fault)] if self._fault else []

    @property
    def roots(self) -> frozenset[str]:
        """The names that the expression looks at."""
        return self._expression.roots

    def choose(self, names: dict[str, Any]) -> str:
        """Return the way out for the data among `names`; a flow takes `default` for one that leads nowhere."""
        return self._by_text.get(text_of(self._expression.evaluate(names)), RESULT)
