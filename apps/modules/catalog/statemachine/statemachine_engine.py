"""Runs the state machines that the `statemachine` section defines.

Instances are rows: every transition locks its instance, checks the state and the condition, lets the vetoing hooks
speak, and commits state, history and messages together. Processing steps follow as runs of their own.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class StatemachineEngineConfig(SettingsModel):
    """`statemachine.engine` has no settings; the section holds the definitions."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "initialState", "initial_state", "stateTracker"})


class StatemachineEngine(Module[StatemachineEngineConfig]):
    """The engine of the `statemachine` section."""

    kind = "statemachine.engine"
    title = "State machine"
    category = Category.STATEMACHINE
    Config = StatemachineEngineConfig
    inputs = (ModulePort("transitions", "event", "Transitions asked for by routes, steps and triggers."),)
    outputs = (ModulePort("changes", "event", "State changes, to hooks and processing steps."),)
