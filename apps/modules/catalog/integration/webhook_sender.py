"""Posts a step's payload to a partner's address.

Any 2xx answer is success. 408, 425, 429, 5xx and silence are tried again after a pause that doubles, or after what the
partner's `Retry-After` says; any other answer ends the step. Every try carries the same `webhook-id`, so the partner
can tell a repeat from news; with a `secret` it carries a `webhook-signature` too (Standard Webhooks). In the address
and the headers `${data.x}` stands for a value of the payload (percent-encoded in the address), `${NAME}` for a secret.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import orjson
from pydantic import Field, field_validator

from apps.engine.config_types import Seconds, SettingsModel, TemplateText, WholeNumber
from apps.engine.http_answers import TRY_AGAIN, kept, pause_asked
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.engine.run.program import RetryPolicy

ONE_EXPRESSION = re.compile(r"\s*\$\{[^{}]*\}\s*")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class WebhookSenderConfig(SettingsModel):
    """Settings of `webhook.sender`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    url: TemplateText = Field("", description="Where the payload goes.")
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = Field("POST", description="HTTP method.")
    headers: dict[str, TemplateText] = Field(default_factory=dict, description="Headers to send along.")
    secret: TemplateText = Field("", description="Signs what is sent; `whsec_...` or any text, best as ${SECRET}.")
    max_retries: WholeNumber = Field(3, ge=0, le=50, description="Tries after the first one.")
    initial_backoff: Seconds = Field(1.0, description="Pause before the second try; it doubles each time.")
    max_backoff: Seconds = Field(60.0, description="Longest pause.")
    timeout: Seconds = Field(30.0, gt=0, le=300, description="How long one try may take.")
    retry_client_errors: bool = Field(False, description="Try again after any 4xx answer as well.")

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("headers")
    @classmethod
    def _header_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a header name")
        return value


class WebhookSender(Module[WebhookSenderConfig]):
    """One outgoing webhook."""

    kind = "webhook.sender"
    title = "Webhook sender"
    category = Category.INTEGRATION
    Config = WebhookSenderConfig
    retry_keys = frozenset({"max_retries", "initial_backoff", "max_backoff"})
    effect = Effect.IDEMPOTENT
    inputs = (ModulePort("payload", "data", "What is sent, as JSON."),)
    outputs = (ModulePort("answer", "data", "`{id, status, statusCode, body}` of the partner's answer."),)

    def __init__(self, name: str, config: WebhookSenderConfig) -> None:
        super().__init__(name, config)
        self._url = LateText(config.url)
        self._url_is_data = bool(ONE_EXPRESSION.fullmatch(config.url))
        self._headers = LateText(dict(config.headers))
        self._secret = LateText(config.secret)
        self.retry = RetryPolicy(
            attempts=config.max_retries + 1,
            first_pause_seconds=config.initial_backoff,
            factor=2.0,
            longest_pause_seconds=config.max_backoff,
            timeout_seconds=config.timeout + 5.0,
        )

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Send once; raise `TryAgain` or `StepFailed` unless the partner took it."""
        body = orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)
        identity = str(context.step_id or context.run_id)
        reply = await context.unit.http.request(
            self.config.method,
            await self._address(payload, context),
            headers=await self._all_headers(payload, body, identity, context),
            body=body,
            timeout=self.config.timeout,
        )
        if not 200 <= reply.status < 300:
            self._refuse(reply, context)
        return {"id": identity, "status": reply.status, "statusCode": reply.status, "body": kept(reply)}

    async def _address(self, payload: Any, context: Context) -> str:
        values = payload if self._url_is_data else _quoted(payload)
        url = await self._url.fill(context, _names(values))
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise StepFailed(f"{self.name}: there is no address to send to.", code="webhook.no_address")
        return url

    async def _all_headers(self, payload: Any, body: bytes, identity: str, context: Context) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if context.request_id:
            headers["x-request-id"] = context.request_id
        own: Mapping[str, Any] = await self._headers.fill(context, _names(payload))
        headers |= {name.lower(): _header_value(name, value) for name, value in own.items()}
        timestamp = str(int(context.unit.clock.now().timestamp()))
        headers |= {"webhook-id": identity, "webhook-timestamp": timestamp}
        secret = await self._secret.fill(context)
        if secret:
            headers["webhook-signature"] = sign(str(secret), identity, timestamp, body)
        return headers

    def _refuse(self, reply: HttpReply, context: Context) -> None:
        text = f"{self.name}: the partner answered {reply.status}."
        answer = {"status": reply.status, "body": kept(reply)}
        may_change = reply.status >= 500 or reply.status in TRY_AGAIN
        if may_change or (self.config.retry_client_errors and 400 <= reply.status < 500):
            after = pause_asked(reply, context.unit.clock.now())
            raise TryAgain(text, after=after, code="webhook.not_now", data=answer)
        raise StepFailed(text, code="webhook.refused", data=answer, status=502)


def sign(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """Return the `webhook-signature` of a message (Standard Webhooks, version 1)."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise StepFailed("The webhook secret is not whsec_ and base64.", code="webhook.bad_secret") from None
    digest = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _names(payload: Any) -> dict[str, Any]:
    return {"data": payload, "input": payload, "steps": {}, "request": None, "run": None, "error": None}


def _quoted(value: Any) -> Any:
    """Return the value with every text percent-encoded, for use inside an address."""
    if isinstance(value, str):
        return quote(value, safe="")
    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    return [_quoted(item) for item in value] if isinstance(value, list) else value


def _header_value(name: str, value: Any) -> str:
    text = str(value)
    if not text.isprintable():
        raise StepFailed(f"The header {name} would hold a line break.", code="webhook.bad_header")
    return text
