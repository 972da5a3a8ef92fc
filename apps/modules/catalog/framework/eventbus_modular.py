"""The tenant's event bus, which the trigger `eventbus` listens to and which carries lifecycle events.

The bus is the platform's own: what is published leaves with the work that published it, waits in the database until
it has been taken in, and is kept for 30 days. So its engines, queue sizes and brokers are read, checked and shown, and
change nothing; a document that asks for another broker is told that it gets this one. Settings may also stand under
the top-level key `eventbus`, where those of the module itself win.
"""

from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from apps.engine.config_types import IS_LATE, Seconds, SettingsModel, TemplateText, WholeNumber, Words
from apps.engine.module import Category, Module, ModulePort

Engine = Literal["memory", "redis", "kafka", "kinesis"]
OWN: Engine = "memory"


class BusEngine(SettingsModel):
    """One of several engines."""

    name: str = Field(min_length=1, description="The name that `routing` uses.")
    type: Engine = Field(OWN, description="What kind of engine it is.")
    config: dict[str, Any] = Field(default_factory=dict, description="Its own settings.", json_schema_extra=IS_LATE)


class BusRoute(SettingsModel):
    """Which topics go through which engine."""

    topics: Words = Field((), description="Topics, exact or with `*` at the end.")
    engine: str = Field(min_length=1, description="The name of an engine.")


class EventbusModularConfig(SettingsModel):
    """Settings of `eventbus.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"bufferSize", "description"})

    engine: Engine = Field(OWN, description="Accepted; the platform's own bus carries the events.")
    max_event_queue_size: WholeNumber = Field(1_000, ge=1, description="Accepted; nothing is dropped for want of room.")
    default_event_buffer_size: WholeNumber = Field(10, ge=0, description="Accepted; events wait in the database.")
    worker_count: WholeNumber = Field(5, ge=1, description="Accepted; the platform's workers take events in.")
    delivery_mode: Literal["drop", "block", "timeout"] = Field(
        "drop", description="Accepted; every event is delivered at least once."
    )
    event_ttl: Seconds = Field(
        3_600.0,
        validation_alias=AliasChoices("eventTTL", "eventTtl"),
        description="Accepted; an event waits until it has been taken in.",
    )
    retention_days: WholeNumber = Field(7, ge=1, description="Accepted; events can be read for 30 days.")
    external_broker_url: TemplateText = Field(
        "", validation_alias=AliasChoices("externalBrokerURL", "externalBrokerUrl"), description="Accepted; not used."
    )
    external_broker_user: TemplateText = Field("", description="Accepted; not used.")
    external_broker_password: TemplateText = Field("", description="Accepted; not used.")
    engines: tuple[BusEngine, ...] = Field((), description="Several engines at once; accepted like `engine`.")
    routing: tuple[BusRoute, ...] = Field((), description="Which topics go through which of the `engines`.")


class EventbusModular(Module[EventbusModularConfig]):
    """The bus as a module."""

    kind = "eventbus.modular"
    aliases = ("eventbus",)
    title = "Event bus"
    category = Category.FRAMEWORK
    Config = EventbusModularConfig
    inputs = (ModulePort("publish", "event", "Events of the document, and of its runs."),)
    outputs = (ModulePort("deliver", "event", "Events, to the trigger `eventbus` and to loggers."),)

    def problems(self) -> list[tuple[str, str, str]]:
        """Say which settings another broker would be needed for, and which route leads nowhere."""
        told = "Events go over the platform's own bus, whatever engine is named."
        found = [("engine", "key.ignored", told)] if self.config.engine != OWN else []
        if self.config.external_broker_url:
            found.append(("externalBrokerURL", "key.ignored", told))
        names = {engine.name for engine in self.config.engines}
        found += [
            (f"engines.{index}.type", "key.ignored", told)
            for index, engine in enumerate(self.config.engines)
            if engine.type != OWN
        ]
        return found + [
            (f"routing.{index}.engine", "reference.unknown", f"There is no engine {route.engine!r}.")
            for index, route in enumerate(self.config.routing)
            if route.engine not in names
        ]
