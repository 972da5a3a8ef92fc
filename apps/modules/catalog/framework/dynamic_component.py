"""Runs a component: a named function with a contract for what it takes and gives.

`componentId` (or the stem of `source`) names a component that ships with the product, with dashes or underscores.
Components of a tenant's own may be stored and drawn, but do not run in this build. Inputs are checked before the call
and missing optional ones get their defaults. The module is known by its own name, by what it `provides`, and by its
`componentId`.
"""

from pathlib import PurePosixPath
from typing import Any, ClassVar

from pydantic import Field, model_validator

from apps.engine.component import discover_components
from apps.engine.config_types import SettingsModel, Words
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import StepFailed
from apps.modules.catalog import components

BUNDLED = discover_components(components)


class DynamicComponentConfig(SettingsModel):
    """Settings of `dynamic.component`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    component_id: str = Field("", description="Name of the component; the module's own name when left out.")
    source: str | None = Field(None, description="File of the component; its stem is the component's name.")
    provides: Words = Field((), description="Further names this module may be referred to by.")
    requires: Words = Field((), description="Names of modules the component wants to see.")

    @model_validator(mode="after")
    def _named(self) -> "DynamicComponentConfig":
        if self.source is not None and not PurePosixPath(self.source).stem:
            raise ValueError("source must name a file")
        return self


class DynamicComponent(Module[DynamicComponentConfig]):
    """A component as a module."""

    kind = "dynamic.component"
    title = "Component"
    category = Category.FRAMEWORK
    Config = DynamicComponentConfig
    inputs = (ModulePort("params", "data", "What the component's contract asks for."),)
    outputs = (ModulePort("result", "data", "What it returns."),)

    def __init__(self, name: str, config: DynamicComponentConfig) -> None:
        super().__init__(name, config)
        of_source = PurePosixPath(config.source).stem if config.source else ""
        stems = (said.replace("-", "_") for said in (of_source, config.component_id, name))
        stem = next((stem for stem in stems if stem in BUNDLED), None)
        self._component = BUNDLED[stem] if stem else None
        if self._component is not None:
            self.effect = self._component.effect
            self.writes = self._component.writes

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that a component is not one of the bundled ones."""
        if self._component is not None:
            return []
        key = "source" if self.config.source else "componentId"
        wanted = self.config.source or self.config.component_id or self.name
        text = f"No component {wanted!r} ships with this build ({', '.join(BUNDLED)}); a tenant's own do not run yet."
        return [(key, "component.source", text)]

    async def run(self, payload: Any, context: Context) -> Any:
        """Check the input against the contract and call the component once."""
        if self._component is None:
            raise StepFailed(f"{self.name}: no such component in this build.", code="component.not_bundled")
        result = self._component.start(payload, context)
        return await result if self._component.is_async else result
