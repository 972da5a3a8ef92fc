"""Sends a message one of two ways.

The expression looks at the message: `order.total > 100 && order.customer != null`. Paths, texts, numbers, `true`,
`false`, `null`, comparisons, `&&`, `||` and `!` are known; a missing path is null. Where the value is `true` the
message goes to the branch `true`, otherwise to the branch `false`, unchanged. Branches stand beside `config` under
`branches`, or inside it as `true_target` and `false_target`; a message without a branch to go to stops here. Messages
come from a route, subscription or hook that names the node, or from a module that the node depends on.
"""

from typing import Any

from pydantic import AliasChoices, Field

from apps.engine.module import ModulePort
from apps.modules.catalog.branching._branch import Branch, BranchConfig

YES, NO = "true", "false"


class ConditionalIfelseConfig(BranchConfig):
    """Settings of `conditional.ifelse`."""

    true_target: str = Field(
        "",
        validation_alias=AliasChoices("true_target", "trueTarget"),
        description="The module that gets the message when it is true, where `branches` does not say.",
    )
    false_target: str = Field(
        "",
        validation_alias=AliasChoices("false_target", "falseTarget"),
        description="The module that gets the message otherwise, where `branches` does not say.",
    )


class ConditionalIfelse(Branch[ConditionalIfelseConfig]):
    """A branch node with two ways out."""

    kind = "conditional.ifelse"
    title = "If / else"
    Config = ConditionalIfelseConfig
    outputs = (
        ModulePort(YES, "message", "The message, where the expression is true."),
        ModulePort(NO, "message", "The message, where it is not."),
    )
    ways = (YES, NO)

    def choose(self, names: dict[str, Any]) -> str:
        """Return the way out for the data among `names`."""
        return YES if self._expression.evaluate(names) is True else NO
