"""Stands for a document's connections to other systems.

The section `integration` names it as its `registry` and says what belongs to it: connectors (`http`, `webhook`,
`database`) and the steps that use them. Runs of the section are started under its name by triggers, by the API and by
`POST .../{name}/execute` of a resource `integrations`.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class IntegrationRegistryConfig(SettingsModel):
    """Settings of `integration.registry`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})


class IntegrationRegistry(Module[IntegrationRegistryConfig]):
    """The connectors of a document."""

    kind = "integration.registry"
    title = "Integration registry"
    category = Category.INTEGRATION
    Config = IntegrationRegistryConfig
    inputs = (ModulePort("data", "data", "What its steps begin with."),)
    outputs = (ModulePort("results", "data", "The results of its steps, by their names."),)
