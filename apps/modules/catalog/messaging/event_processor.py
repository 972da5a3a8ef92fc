"""Looks for patterns in the events of a document: so many within a time, all of some kinds, or one after another.

The `event` section says which patterns, what comes in and who is told. Events wait, per correlation id, until their
pattern is fulfilled; they are kept for the longest window of the document and `cleanupInterval` on top. `bufferSize`
is how many wait per correlation id at most: the oldest are forgotten first.
"""

from typing import ClassVar

from pydantic import Field

from apps.engine.config_types import Seconds, SettingsModel, WholeNumber
from apps.engine.module import Category, Module, ModulePort

MOST_EVENTS = 10_000


class EventProcessorConfig(SettingsModel):
    """Settings of `event.processor`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    buffer_size: WholeNumber = Field(
        1_000, ge=1, le=MOST_EVENTS, description="How many events of one correlation id may wait at a time."
    )
    cleanup_interval: Seconds = Field(
        300.0, ge=0, le=86_400, description="How long after the longest window an event is forgotten."
    )


class EventProcessor(Module[EventProcessorConfig]):
    """The processor that the `event` section names."""

    kind = "event.processor"
    title = "Event processor"
    category = Category.MESSAGING
    Config = EventProcessorConfig
    inputs = (ModulePort("events", "event", "Messages, through the section's adapters."),)
    outputs = (ModulePort("matches", "event", "`{patternId, eventsCount}`, to the section's handlers."),)
