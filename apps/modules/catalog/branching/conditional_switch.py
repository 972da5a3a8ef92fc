"""Sends a message the way that fits a value in it.

The expression, most often a path such as `order.priority`, gives a value that is compared as text with each of the
`cases`. Where case number i fits (counted from 0) the message goes to the branch `case-<i>`, unchanged; where none
does, to the branch `default`, and without one it stops here. Expressions know what those of `conditional.ifelse` know.
"""

from typing import Any

from pydantic import Field

from apps.engine.branching import compile_branch
from apps.engine.celsyntax import BadExpression
from apps.engine.config_types import SettingsModel
from apps.engine.expressions import text_of
from apps.engine.module import Category, Module, ModulePort

DEFAULT = "default"
MOST_CASES = 200


class ConditionalSwitchConfig(SettingsModel):
    """Settings of `conditional.switch`."""

    expression: str = Field(min_length=1, description="What is compared, such as `order.priority`.")
    cases: list[str | int | float | bool] = Field(
        default_factory=list, max_length=MOST_CASES, description="The values to compare with, in order; as text."
    )


class ConditionalSwitch(Module[ConditionalSwitchConfig]):
    """A branch node with a way out for each case."""

    kind = "conditional.switch"
    title = "Switch"
    category = Category.BRANCHING
    Config = ConditionalSwitchConfig
    inputs = (ModulePort("message", "message", "A message."),)
    outputs = (
        ModulePort("case-0", "message", "The message, where the first case fits; and so on for each case."),
        ModulePort(DEFAULT, "message", "The message, where no case fits."),
    )

    def __init__(self, name: str, config: ConditionalSwitchConfig) -> None:
        super().__init__(name, config)
        self.ways = (*(f"case-{index}" for index in range(len(config.cases))), DEFAULT)
        self._fault = ""
        self._by_text: dict[str, str] = {}
        for index, case in enumerate(config.cases):
            self._by_text.setdefault(text_of(case), f"case-{index}")
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
        """Return the way out for the data among `names`."""
        return self._by_text.get(text_of(self._expression.evaluate(names)), DEFAULT)
