"""Takes messages in and records them.

Each message appears on its run page and goes on, unchanged, to the topics that `messaging.producers` names for this
handler. `topic` subscribes the handler by itself when no entry of `messaging.subscriptions` names it.
"""

from typing import Any, ClassVar

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Context, Module, ModulePort


class MessagingHandlerConfig(SettingsModel):
    """Settings of `messaging.handler`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "queue", "inputType", "watchPath"})

    topic: str | None = Field(
        None, min_length=1, description="Topic to subscribe to; `*` is one segment, `**` any number."
    )


class MessagingHandler(Module[MessagingHandlerConfig]):
    """A named place where messages arrive."""

    kind = "messaging.handler"
    title = "Message handler"
    category = Category.MESSAGING
    Config = MessagingHandlerConfig
    inputs = (ModulePort("message", "message", "A message, hook event or job."),)
    outputs = (ModulePort("forwarded", "message", "The same message, for `messaging.producers`."),)

    def run(self, payload: Any, context: Context) -> Any:
        """Record the message and pass it on."""
        context.log(f"{self.name} received a message")
        return payload
