"""Sends a message the way that fits a value in it.

The expression, most often a path such as `order.priority`, gives a value that is compared as text with each of the
`cases`. Where case number i fits (counted from 0) the message goes to the branch `case-<i>`, unchanged; where none
does, to the branch `default`, and without one it stops here. Expressions know what those of `conditional.ifelse` know.
"""

from typing import Any

from pydantic import Field

from apps.engine.expressions import text_of
from apps.engine.module import ModulePort
from apps.modules.catalog.branching._branch import Branch, BranchConfig, by_text

DEFAULT = "default"
MOST_CASES = 200


class ConditionalSwitchConfig(BranchConfig):
    """Settings of `conditional.switch`."""

    cases: list[str | int | float | bool] = Field(
        default_factory=list, max_length=MOST_CASES, description="The values to compare with, in order; as text."
    )


class ConditionalSwitch(Branch[ConditionalSwitchConfig]):
    """A branch node with a way out for each case."""

    kind = "conditional.switch"
    title = "Switch"
    Config = ConditionalSwitchConfig
    outputs = (
        ModulePort("case-0", "message", "The message, where the first case fits; and so on for each case."),
        ModulePort(DEFAULT, "message", "The message, where no case fits."),
    )

    def __init__(self, name: str, config: ConditionalSwitchConfig) -> None:
        super().__init__(name, config)
        self.ways = (*(f"case-{index}" for index in range(len(config.cases))), DEFAULT)
        self._by_text = by_text(config.cases, "case")

    def choose(self, names: dict[str, Any]) -> str:
        """Return the way out for the data among `names`."""
        return self._by_text.get(text_of(self._expression.evaluate(names)), DEFAULT)
