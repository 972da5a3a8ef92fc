"""Posts messages to a Slack channel.

The text is the message itself, its `text` or `message` when it has one, else the whole of it as JSON; `text:` in the
config words it instead (`Order ${data.id} is paid`). `webhookURL` is the address that Slack gives for a channel, best
as `${SLACK_WEBHOOK_URL}`. What Slack refuses for now (429, 5xx) or does not answer is tried again by the run.
"""

from typing import Any, ClassVar

import orjson
from pydantic import AliasChoices, Field

from apps.engine.config_types import Seconds, SettingsModel, TemplateText, WholeNumber
from apps.engine.http_answers import answered, kept
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import StepFailed
from apps.engine.run.program import RetryPolicy

LONGEST_TEXT = 40_000  # characters that Slack takes
SAID = ("text", "message")


class NotificationSlackConfig(SettingsModel):
    """Settings of `notification.slack`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    webhook_url: TemplateText = Field(
        "",
        validation_alias=AliasChoices("webhookURL", "webhookUrl"),
        description="The address of the channel's incoming webhook.",
    )
    channel: TemplateText = Field("", description="Another channel than the webhook's own.")
    username: TemplateText = Field("", description="The name to post under.")
    text: TemplateText = Field("", description="The words, with ${data.x} for values of the message.")
    max_retries: WholeNumber = Field(3, ge=0, le=50, description="Tries after the first one.")
    timeout: Seconds = Field(30.0, gt=0, le=120, description="How long Slack may take.")


class NotificationSlack(Module[NotificationSlackConfig]):
    """A Slack channel."""

    kind = "notification.slack"
    title = "Slack"
    category = Category.MESSAGING
    Config = NotificationSlackConfig
    retry_keys = frozenset({"max_retries"})
    effect = Effect.ONCE
    inputs = (ModulePort("message", "message", "What is posted."),)
    outputs = (ModulePort("answer", "data", "`{status, body}` of Slack's answer."),)

    def __init__(self, name: str, config: NotificationSlackConfig) -> None:
        super().__init__(name, config)
        self._url = LateText(config.webhook_url)
        self._text = LateText(config.text)
        self._who = LateText({"channel": config.channel, "username": config.username})
        self.retry = RetryPolicy(attempts=config.max_retries + 1, timeout_seconds=config.timeout + 5.0)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Post once; raise `TryAgain` or `StepFailed` unless Slack took it."""
        url = await self._url.fill(context)
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise StepFailed(f"{self.name}: there is no webhookURL to post to.", code="slack.no_address")
        text = await self._text.fill(context, {"data": payload, "input": payload}) if self.config.text else None
        who = await self._who.fill(context)
        body: dict[str, Any] = {key: str(value) for key, value in who.items() if value}
        body["text"] = (words(payload) if text is None else str(text))[:LONGEST_TEXT]
        reply = await context.unit.http.request(
            "POST",
            url,
            headers={"content-type": "application/json"},
            body=orjson.dumps(body),
            timeout=self.config.timeout,
        )
        answered(reply, self.name, "slack", context)
        return {"status": reply.status, "body": kept(reply)}


def words(payload: Any) -> str:
    """Return what a message says: itself, its `text` or `message`, or all of it as JSON."""
    if isinstance(payload, str):
        return payload
    if isinstance(payload, dict):
        said = next((payload[key] for key in SAID if isinstance(payload.get(key), str) and payload[key]), None)
        if said is not None:
            return str(said)
    return orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
