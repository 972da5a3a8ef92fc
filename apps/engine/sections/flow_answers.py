"""A call in a flow whose answer a branch node judges: a refusal is one of its answers (spec/modules.md 3.8).

`response.statusCode` behind a `webhook.sender` asks how the call ended. Without this, a partner's 500 would end the
run, and the branch for it could never be taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from apps.engine.module import Context, Effect
from apps.engine.run.assembly import Assembler, Call, Scope
from apps.engine.run.program import Variables


def is_judged(call: Call, following: Iterable[Any]) -> bool:
    """Whether all that stands behind a call outside are branch nodes that look at its answer."""
    nodes = list(following)
    outside = call.target.effect is not Effect.PURE
    return outside and bool(nodes) and all(getattr(node, "judges_answers", False) for node in nodes)


@dataclass(frozen=True, slots=True)
class Judged:
    """A call, and the step that makes an answer of its final failure: `{status, statusCode, body, error}`.

    The first three are null where nobody answered.
    """

    call: Call
    size: int = 2

    @property
    def roots(self) -> frozenset[str]:
        """The names that the call uses."""
        return self.call.roots

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the call, and behind it what is done when it failed."""
        self.call.emit(into, replace(scope, on_error=index + 1), index, after)
        keep = self.call.keep

        def answer(variables: Variables, output: Any) -> None:
            variables.data = output
            variables.error = None
            variables.response = None
            variables.remember(keep, output)

        def refused(variables: Variables, context: Context) -> tuple[Any, int]:
            made = _answer_of(variables.error or {})
            answer(variables, made)
            return made, after

        into.add(
            scope,
            index + 1,
            f"{self.call.name}.refused",
            "set",
            refused,
            path=self.call.path,
            module=self.call.target.module,
            replay=answer,
        )


def _answer_of(error: dict[str, Any]) -> dict[str, Any]:
    said = error.get("data")
    given = said if isinstance(said, dict) else {}
    status = given.get("status")
    return {"status": status, "statusCode": status, "body": given.get("body"), "error": error.get("message", "")}
