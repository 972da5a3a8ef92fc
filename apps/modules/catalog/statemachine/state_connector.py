"""Connects state machines to the resources they drive.

The section's `resourceMappings` say which kind of resource follows which machine; this module is where they meet in
the drawing. State and resource live in one database and change in one transaction, so nothing has to be copied.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class StateConnectorConfig(SettingsModel):
    """`state.connector` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})


class StateConnector(Module[StateConnectorConfig]):
    """The meeting point of machines and resources."""

    kind = "state.connector"
    title = "State connector"
    category = Category.STATEMACHINE
    Config = StateConnectorConfig
    inputs = (ModulePort("changes", "event", "State changes of machines."),)
    outputs = (ModulePort("states", "data", "The state of each mapped resource."),)
