"""Carries messages over the tenant's event bus: the same bus that `messaging.broker` publishes on.

It may stand wherever a broker may: in `messaging`, in the adapters of the `event` section, under triggers.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class MessagingBrokerEventbusConfig(SettingsModel):
    """`messaging.broker.eventbus` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"topics", "description", "provider", "url"})


class MessagingBrokerEventbus(Module[MessagingBrokerEventbusConfig]):
    """The event bus as a broker."""

    kind = "messaging.broker.eventbus"
    title = "Event bus broker"
    category = Category.MESSAGING
    Config = MessagingBrokerEventbusConfig
    inputs = (ModulePort("publish", "message", "Messages of producers, handlers and pipelines."),)
    outputs = (ModulePort("deliver", "message", "Messages, to whoever subscribes to their topics."),)
