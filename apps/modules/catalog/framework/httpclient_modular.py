"""Does one HTTP request as a step and gives its answer back.

A step asks with `{method, path or url, query, headers, body, timeout}`; all of it may be left out. `path` is joined to
`baseURL`; a body that is not text goes as JSON. The answer is `{status, statusCode, headers, body}`: a body of JSON
decoded, text as text. An answer of 400 and more fails the step unless the config or the step says `acceptAnyStatus:
true`. With `maxRetries` the run tries 408, 425, 429, 5xx and silence again; nothing is repeated unless that is asked
for. `${NAME}` in settings is a secret.
"""

from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode, urljoin

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from apps.engine.config_types import Seconds, TemplateText, WholeNumber
from apps.engine.http_answers import answered
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModuleConfig, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.ports import HttpReply
from apps.engine.run.program import RetryPolicy
from apps.engine.step_input import read_input

BAD_REQUEST = "httpclient.bad_request"
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
SAFE = "/:@!$&'()*+,;=~-._%"


class HttpclientModularConfig(ModuleConfig):
    """Settings of `httpclient.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset(
        {
            "description",
            "disable_compression",
            "disable_keep_alives",
            "idle_conn_timeout",
            "max_idle_conns",
            "max_idle_conns_per_host",
            "tls_timeout",
            "verbose",
            "verbose_options",
        }
    )

    base_url: TemplateText = Field(
        "",
        validation_alias=AliasChoices("baseURL", "baseUrl", "base_url"),
        description="The address that a step's path is joined to.",
    )
    request_timeout: Seconds = Field(
        30.0,
        gt=0,
        le=300,
        validation_alias=AliasChoices("request_timeout", "timeout"),
        description="How long one request may take.",
    )
    headers: dict[str, TemplateText] = Field(default_factory=dict, description="Headers of every request.")
    max_retries: WholeNumber = Field(
        0, ge=0, le=50, validation_alias=AliasChoices("maxRetries", "max_retries"), description="Tries after the first."
    )
    accept_any_status: bool = Field(
        False,
        validation_alias=AliasChoices("acceptAnyStatus", "accept_any_status"),
        description="Give answers of 400 and more back like any other.",
    )


class ClientRequest(BaseModel):
    """What a step asks of the client."""

    model_config = ConfigDict(extra="forbid")

    method: Method = "GET"
    path: str = ""
    url: str = ""
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = None
    timeout: Seconds | None = Field(None, gt=0, le=300)
    accept_any_status: bool = Field(False, alias="acceptAnyStatus")

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


class HttpclientModular(Module[HttpclientModularConfig]):
    """An HTTP client."""

    kind = "httpclient.modular"
    aliases = ("httpclient",)
    title = "HTTP client"
    category = Category.FRAMEWORK
    Config = HttpclientModularConfig
    retry_keys = frozenset({"max_retries"})
    effect = Effect.ONCE
    inputs = (ModulePort("request", "data", "`{method, path, query, headers, body}`."),)
    outputs = (ModulePort("answer", "data", "`{status, statusCode, headers, body}`."),)

    def __init__(self, name: str, config: HttpclientModularConfig) -> None:
        super().__init__(name, config)
        self._base = LateText(config.base_url)
        self._headers = LateText(dict(config.headers))
        self.retry = RetryPolicy(attempts=config.max_retries + 1, timeout_seconds=config.request_timeout + 5.0)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Ask once; raise `TryAgain` or `StepFailed` for what is no answer to go on with."""
        given = {} if payload is None else payload
        asked = read_input(ClientRequest, given, asked="The client cannot ask this.", code=BAD_REQUEST)
        body = _encoded(asked.body)
        headers: dict[str, str] = {"content-type": "application/json"} if body and _is_json(asked.body) else {}
        own = await self._headers.fill(context)
        headers |= {name.lower(): _sendable(name, value) for name, value in {**own, **asked.headers}.items()}
        if context.request_id:
            headers.setdefault("x-request-id", context.request_id)
        reply = await context.unit.http.request(
            asked.method,
            await self._address(asked, context),
            headers=headers,
            body=body,
            timeout=min(asked.timeout or self.config.request_timeout, self.config.request_timeout),
        )
        if not (asked.accept_any_status or self.config.accept_any_status) and reply.status >= 400:
            answered(reply, self.name, "httpclient", context)
        return {
            "status": reply.status,
            "statusCode": reply.status,
            "headers": dict(reply.headers),
            "body": _decoded(reply),
        }

    async def _address(self, asked: ClientRequest, context: Context) -> str:
        base = str(await self._base.fill(context))
        if asked.url:
            url = urljoin(base, asked.url) if base else asked.url
        else:
            path = quote(asked.path.lstrip("/"), safe=SAFE)
            url = f"{base.rstrip('/')}/{path}" if path else base
        query = urlencode({name: value for name, value in asked.query.items() if value is not None}, doseq=True)
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


def _is_json(body: Any) -> bool:
    return not isinstance(body, str)


def _sendable(name: str, value: Any) -> str:
    text = str(value)
    if not text.isprintable() or not name.isprintable():
        message = f"The header {name!r} would hold a line break."
        raise Rejected(message, errors=[{"pointer": "/headers", "message": message}], code=BAD_REQUEST, status=422)
    return text


def _decoded(reply: HttpReply) -> Any:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            pass
    return reply.body.decode("utf-8", "replace")
