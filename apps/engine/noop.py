"""What a placeholder type becomes where placeholders are allowed: a named service that does nothing (spec 3.8)."""

from typing import Any

from pydantic import ConfigDict

from apps.engine.module import Category, Context, Module, ModuleConfig


class NoopConfig(ModuleConfig):
    """Any settings: nothing reads them."""

    model_config = ConfigDict(extra="allow")


class Noop(Module[NoopConfig]):
    """Gives back what it is given."""

    kind = "placeholder"
    title = "Placeholder"
    category = Category.FRAMEWORK
    Config = NoopConfig

    def run(self, payload: Any, context: Context) -> Any:
        """Return the payload; the run's log says that nothing was done."""
        context.log(f"{self.name} is a placeholder: nothing was done")
        return payload
