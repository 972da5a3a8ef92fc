"""What branch nodes have in common: an expression, compiled once, and ways out that are found by its value."""

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from pydantic import Field

from apps.engine.branching import compile_branch
from apps.engine.celsyntax import BadExpression
from apps.engine.config_types import SettingsModel
from apps.engine.expressions import text_of
from apps.engine.module import Category, Module, ModulePort

ANSWER = re.compile(r"\b(response|statusCode)\b")


class BranchConfig(SettingsModel):
    """Settings that every branch node has."""

    expression: str = Field(min_length=1, description="What decides, such as `order.total > 100` or `order.priority`.")


B = TypeVar("B", bound=BranchConfig)


class Branch(Module[B], Generic[B]):
    """A branch node; a type adds `choose`."""

    category = Category.BRANCHING
    inputs = (ModulePort("message", "message", "A message."),)

    def __init__(self, name: str, config: B) -> None:
        super().__init__(name, config)
        self._fault = ""
        try:
            self._expression = compile_branch(config.expression)
        except BadExpression as bad:
            self._fault = bad.message

    def problems(self) -> list[tuple[str, str, str]]:
        """Say what is wrong with the expression."""
        return [("expression", "expression.invalid", self._fault)] if self._fault else []

    @property
    def judges_answers(self) -> bool:
        """Whether the expression looks at how the call in front of it was answered."""
        return ANSWER.search(self.config.expression) is not None

    @property
    def roots(self) -> frozenset[str]:
        """The names that the expression looks at."""
        return self._expression.roots


def by_text(values: Iterable[Any], prefix: str) -> dict[str, str]:
    """Return the way out for the text of each value; of two equal ones the first has it."""
    found: dict[str, str] = {}
    for index, value in enumerate(values):
        found.setdefault(text_of(value), f"{prefix}-{index}")
    return found
