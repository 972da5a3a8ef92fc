"""Carries messages between the parts of a document.

What is published with a request or a step leaves when that work is committed, and not otherwise. Every subscription
whose topic matches gets it at least once, in order per key: topics match exactly, with `*` for one segment and `**`
for any number. A handler that keeps failing leaves its message on the dead-letter list.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class MessagingBrokerConfig(SettingsModel):
    """`messaging.broker` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"topics", "description", "provider", "url"})


class MessagingBroker(Module[MessagingBrokerConfig]):
    """The broker of the `messaging` section."""

    kind = "messaging.broker"
    title = "Message broker"
    category = Category.MESSAGING
    Config = MessagingBrokerConfig
    inputs = (ModulePort("publish", "message", "Messages of producers, handlers and pipelines."),)
    outputs = (ModulePort("deliver", "message", "Messages, to the handlers that subscribe to their topics."),)
