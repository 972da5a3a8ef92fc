"""Sends a message the way that its expression names.

The value of the expression is compared as text with each of the `outputs`: where number i fits (counted from 0) the
message goes to the branch `out-<i>`, unchanged. Where none fits, or there are no outputs, it goes to the branch
`result`, else to `default`; without either it stops here. Expressions know what those of `conditional.ifelse` know.
"""

from typing import Any

from pydantic import Field

from apps.engine.expressions import text_of
from apps.engine.module import ModulePort
from apps.modules.catalog.branching._branch import Branch, BranchConfig, by_text

RESULT = "result"
DEFAULT = "default"
MOST_OUTPUTS = 200


class ConditionalExpressionConfig(BranchConfig):
    """Settings of `conditional.expression`."""

    outputs: list[str | int | float | bool] = Field(
        default_factory=list, max_length=MOST_OUTPUTS, description="The values that have a way out of their own."
    )


class ConditionalExpression(Branch[ConditionalExpressionConfig]):
    """A branch node whose value is its way out."""

    kind = "conditional.expression"
    title = "Expression branch"
    Config = ConditionalExpressionConfig
    outputs = (
        ModulePort("out-0", "message", "The message, where the first output fits; and so on for each output."),
        ModulePort(RESULT, "message", "The message, where no output fits."),
    )

    def __init__(self, name: str, config: ConditionalExpressionConfig) -> None:
        super().__init__(name, config)
        self.ways = (*(f"out-{index}" for index in range(len(config.outputs))), RESULT, DEFAULT)
        self._by_text = by_text(config.outputs, "out")

    def choose(self, names: dict[str, Any]) -> str:
        """Return the way out for the data among `names`; a flow takes `default` for one that leads nowhere."""
        return self._by_text.get(text_of(self._expression.evaluate(names)), RESULT)
