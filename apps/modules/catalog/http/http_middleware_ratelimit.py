"""Limits how often one client may call a route: a token bucket per client.

A bucket starts full at `burstSize` and gains `requestsPerMinute` tokens a minute; a request takes one. An empty bucket
answers 429 with `Retry-After`. Clients are told apart by address, by token, or by both. Buckets live in the memory of
each serving process: the limit protects a route, it is not an account.
"""

import hashlib
import math
from typing import Any, Literal

from pydantic import AliasChoices, Field, model_validator

from apps.engine.config_types import Number, SettingsModel, WholeNumber
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort


class HttpMiddlewareRatelimitConfig(SettingsModel):
    """Settings of `http.middleware.ratelimit`."""

    requests_per_minute: Number = Field(60, gt=0, description="Tokens a bucket gains in a minute.")
    rps: Number | None = Field(None, gt=0, description="Tokens a bucket gains in a second; instead of the above.")
    burst_size: WholeNumber = Field(
        10, ge=1, validation_alias=AliasChoices("burstSize", "burst"), description="Tokens in a full bucket."
    )
    strategy: Literal["ip", "token", "ip_and_token"] = Field("ip", description="What tells two clients apart.")
    token_header: str = Field("Authorization", description="The header that holds a client's token.")

    @model_validator(mode="before")
    @classmethod
    def _one_rate(cls, value: Any) -> Any:
        if isinstance(value, dict) and {"rps", "requestsPerMinute"} <= value.keys():
            raise ValueError("give rps or requestsPerMinute, not both")
        return value

    @property
    def rate(self) -> float:
        """Tokens a minute."""
        return self.requests_per_minute if self.rps is None else self.rps * 60


class HttpMiddlewareRatelimit(Module[HttpMiddlewareRatelimitConfig]):
    """The rate limit of a route."""

    kind = "http.middleware.ratelimit"
    title = "Rate limit"
    category = Category.HTTP
    Config = HttpMiddlewareRatelimitConfig
    inputs = (ModulePort("request", "http", "A request."),)
    outputs = (ModulePort("allowed", "http", "The request, when its client has a token left."),)

    def __init__(self, name: str, config: HttpMiddlewareRatelimitConfig) -> None:
        super().__init__(name, config)
        self._rate = config.rate
        self._header = config.token_header.lower()

    def before(self, request: Request, context: Context) -> Response | None:
        """Take a token, or stop with 429."""
        wait = context.unit.counters.take(
            f"{self.name}:{self._client(request)}", per_minute=self._rate, burst=self.config.burst_size
        )
        if not wait:
            return None
        response = Response.text("Rate limit exceeded", 429)
        response.headers.append((b"retry-after", str(math.ceil(wait)).encode()))
        return response

    def _client(self, request: Request) -> str:
        """Return who is asking; a client without a token is known by its address."""
        token = "" if self.config.strategy == "ip" else request.headers.get(self._header, "")
        if not token:
            return f"ip:{request.client}"
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return f"token:{digest}" if self.config.strategy == "token" else f"both:{request.client}:{digest}"
