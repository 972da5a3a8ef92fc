"""What brokers outside have in common: a step may publish, and their health is whether they answer."""

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from apps.engine.config_types import SettingsModel
from apps.engine.feeds import decoded
from apps.engine.hops import headers_outside
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import TryAgain
from apps.engine.run.program import RetryPolicy
from apps.engine.step_input import read_input
from apps.engine.wires import MESSAGE_ID, Wire, WireMessage

SECONDS = 20.0
LONGEST_KEY = 1_000
MEDIA = "application/json"

C = TypeVar("C", bound=SettingsModel)


class Publishing(BaseModel):
    """What a step asks for; `id` is made of the step's own when it does not say one."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(min_length=1, max_length=1_000)
    message: Any = None
    key: str | None = Field(None, max_length=LONGEST_KEY)
    id: str | None = Field(None, min_length=1, max_length=200)


class OutsideBroker(Module[C], Generic[C]):
    """A broker of somebody else's."""

    category = Category.MESSAGING
    effect = Effect.IDEMPOTENT
    retry = RetryPolicy(timeout_seconds=SECONDS + 5.0)
    inputs = (ModulePort("publish", "message", "Messages of producers and pipelines; or `{topic, message}`."),)
    outputs = (ModulePort("deliver", "message", "Messages, to the handlers that subscribe to their topics."),)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Publish once; raise `TryAgain` or `StepFailed` unless the broker has it."""
        asked = read_input(Publishing, payload, asked=f"{self.name} cannot publish that.", code="broker.invalid")
        identity = asked.id or str(context.step_id or context.run_id)
        body = orjson.dumps(asked.message, option=orjson.OPT_NON_STR_KEYS, default=str)
        headers = {MESSAGE_ID: identity, "content-type": MEDIA, **headers_outside(context.unit.broker.hops)}
        plain = WireMessage(asked.topic, body, asked.key, headers)
        message = await self.sealed(plain, context)
        return await context.unit.wires.publish(await self.wire(context), message, timeout=SECONDS)

    @abstractmethod
    async def wire(self, context: Context) -> Wire:
        """Return the broker's wire, secrets filled in; raise `StepFailed`."""

    async def sealed(self, message: WireMessage, context: Context) -> WireMessage:
        """Return a message as others may see it."""
        return message

    async def opened(self, message: WireMessage, context: Context) -> Any:
        """Return the payload of a received message; raise `StepFailed` when it cannot be read."""
        return decoded(message.body)

    def group(self, usual: str) -> str:
        """Return the name of the consumer group, `usual` where the document does not say."""
        return usual

    async def health(self, context: Context) -> tuple[str, str]:
        """Say whether the broker answers; one that does not is waited for."""
        try:
            await context.unit.wires.check(await self.wire(context))
        except TryAgain as silence:
            return "degraded", silence.message
        return "healthy", ""
