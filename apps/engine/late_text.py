"""Config text that is filled in at the last moment: `${NAME}` with a secret, `${data.x}` with a value of the run."""

from collections.abc import Mapping
from typing import Any

from apps.engine.expressions import compile_template
from apps.engine.module import Context


class LateText:
    """One compiled text or JSON tree of texts; a secret is read when it is used and kept nowhere."""

    __slots__ = ("_template",)

    def __init__(self, source: Any) -> None:
        self._template = compile_template(source)

    async def fill(self, context: Context, names: Mapping[str, Any] | None = None) -> Any:
        """Return the value; raise `StepFailed` when a secret is not set or an expression cannot be evaluated."""
        secrets = {name: await context.unit.secrets.get(name) for name in sorted(self._template.secrets)}
        return self._template.evaluate(names or {}, secrets)
