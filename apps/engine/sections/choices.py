"""Branches: `if` and `switch`, laid out as one deciding step and the blocks behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.engine.document import DocumentPath
from apps.engine.module import Context
from apps.engine.run.assembly import Assembler, Block, Scope
from apps.engine.run.program import StepCall, Variables
from apps.engine.sections.texts import Evaluate
from apps.engine.sections.workspace import Workspace


def condition_of(workspace: Workspace, text: Any, path: DocumentPath) -> tuple[Evaluate, frozenset[str]]:
    """Return a function giving True or False; a look-up of something absent is False, any other value a failure."""
    if isinstance(text, bool):
        return (lambda names: text), frozenset()
    expression = workspace.condition(text, path)
    return expression.test, expression.roots


@dataclass(frozen=True, slots=True)
class Choice:
    """One deciding step and its branches; a value without a branch goes to `default`, else past all of them."""

    kind: str
    decide: Evaluate
    branches: Mapping[Any, Block]
    default: Block | None = None
    name: str = ""
    path: str = ""
    own_roots: frozenset[str] = field(default_factory=frozenset)
    module: str = ""

    @property
    def size(self) -> int:
        """Number of steps."""
        return 1 + sum(block.size for block in self._blocks())

    @property
    def roots(self) -> frozenset[str]:
        """The names used by the decision and inside the branches."""
        return self.own_roots.union(*(block.roots for block in self._blocks()))

    def _blocks(self) -> list[Block]:
        return [*self.branches.values(), *([self.default] if self.default else [])]

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the deciding step and every branch; all of them meet again at `after`."""
        starts: dict[Any, int] = {}
        place = index + 1
        for value, block in self.branches.items():
            starts[value] = place if block.size else after
            block.emit(into, scope, place, after)
            place += block.size
        otherwise = after
        if self.default is not None and self.default.size:
            otherwise = place
            self.default.emit(into, scope, place, after)
        call = _two_ways(self.decide, starts) if self.kind == "if" else _many_ways(self.decide, starts, otherwise)
        into.add(scope, index, self.name, self.kind, call, path=self.path, module=self.module)


def _two_ways(decide: Evaluate, starts: dict[Any, int]) -> StepCall:
    then, otherwise = (True, starts[True]), (False, starts[False])

    def call(variables: Variables, context: Context) -> tuple[Any, int]:
        return then if decide(variables.names) else otherwise

    return call


def _many_ways(decide: Callable[[Mapping[str, Any]], Any], starts: dict[Any, int], otherwise: int) -> StepCall:
    def call(variables: Variables, context: Context) -> tuple[Any, int]:
        value = decide(variables.names)
        return value, starts.get(value, otherwise)

    return call
