"""Connector `http` (also `rest`, `api`): an action is `METHOD /path`, its input the query or the JSON body.

`{name}` in the path is filled from the input and left out of what is sent. The result is the answer's JSON object with
`statusCode`, or `{statusCode, raw}` for any other body. A status of 400 and more is a failed try.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import orjson
from pydantic import AliasChoices, Field, field_validator

from apps.engine.config_types import Number, Seconds, SettingsModel, TemplateText
from apps.engine.connectors.base import BadAction, Fault
from apps.engine.expressions import text_of
from apps.engine.http_answers import pause_asked
from apps.engine.late_text import LateText
from apps.engine.module import Context, Effect
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import HttpReply

ACTION = re.compile(r"\s*(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+(/\S*)\s*", re.IGNORECASE)
PARAMETER = re.compile(r"\{([^{}/]+)\}")
IN_QUERY = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = IN_QUERY | {"PUT", "DELETE"}  # RFC 9110, 9.2.2


class HttpConnectorConfig(SettingsModel):
    """Settings of an `http` connector."""

    base_url: TemplateText = Field(min_length=1, validation_alias=AliasChoices("baseURL", "baseUrl"))
    auth_type: Literal["none", "basic", "bearer"] = "none"
    username: TemplateText = ""
    password: TemplateText = ""
    token: TemplateText = ""
    headers: dict[str, TemplateText] = Field(default_factory=dict)
    timeout_seconds: Seconds = Field(30.0, gt=0, le=300)
    requests_per_minute: Number = Field(0, ge=0, le=1_000_000)
    allow_private: bool = Field(False, validation_alias=AliasChoices("allowPrivateIPs", "allowPrivateIps"))

    @field_validator("auth_type", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return (value.lower() or "none") if isinstance(value, str) else value


class HttpConnector:
    """One partner's API."""

    Config = HttpConnectorConfig

    def __init__(self, name: str, config: HttpConnectorConfig) -> None:
        self.name = name
        self.config = config
        self.base = LateText(config.base_url)
        self.headers = LateText({name.lower(): value for name, value in config.headers.items()})
        self.credentials = LateText([config.username, config.password, config.token])

    def faults(self) -> Iterable[Fault]:
        """Return missing credentials, and an address that is none."""
        config = self.config
        needed = {"basic": ("username", "password"), "bearer": ("token",)}.get(config.auth_type, ())
        for key in needed:
            if not getattr(config, key):
                yield key, "section.required", f"authType {config.auth_type} needs {key!r}."
        if "${" not in config.base_url and not _is_address(config.base_url):
            yield "baseURL", "section.invalid", f"{config.base_url!r} is no address like https://api.example/v1."

    def prepare(self, action: str) -> "HttpCall":
        """Read `METHOD /path`."""
        found = ACTION.fullmatch(action)
        if found is None:
            raise BadAction(f"{action!r} is no action of an http connector; write it like GET /customers/{{id}}.")
        return HttpCall(self, found[1].upper(), found[2])

    async def authorization(self, context: Context) -> dict[str, str]:
        """Return the header that says who is asking."""
        username, password, token = await self.credentials.fill(context)
        if self.config.auth_type == "basic":
            # RFC 7617; the words are joined as bytes, so that a name in any script goes through.
            return {"authorization": f"Basic {_base64(f'{username}:{password}')}"}
        return {"authorization": f"Bearer {token}"} if self.config.auth_type == "bearer" else {}


class HttpCall:
    """One method and path of an API."""

    def __init__(self, connector: HttpConnector, method: str, path: str) -> None:
        self._connector = connector
        self._method = method
        self._path = path
        self.parameters = frozenset(PARAMETER.findall(path))
        self.effect = Effect.IDEMPOTENT if method in REPEATABLE else Effect.ONCE
        self.timeout_seconds = connector.config.timeout_seconds + 5.0

    def gate(self, context: Context) -> float:
        """Let one call through every 60/rpm seconds."""
        rate = self._connector.config.requests_per_minute
        if not rate:
            return 0.0
        return context.unit.counters.take(f"connector:{self._connector.name}", per_minute=rate, burst=1)

    async def call(self, payload: dict[str, Any], context: Context) -> Any:
        """Ask once."""
        connector = self._connector
        path = self._filled(payload)
        rest = {key: value for key, value in payload.items() if key not in self.parameters}
        base = str(await connector.base.fill(context))
        if not _is_address(base):
            raise StepFailed(f"{connector.name}: the baseURL is no address.", code="http.bad_url")
        own = await connector.headers.fill(context)
        headers = {"content-type": "application/json", **{name: _line(name, value) for name, value in own.items()}}
        headers |= await connector.authorization(context)
        if context.request_id:
            headers.setdefault("x-request-id", context.request_id)
        if self.effect is Effect.ONCE:
            headers.setdefault("idempotency-key", str(context.step_id or context.run_id))
        in_query = self._method in IN_QUERY
        reply = await context.unit.http.request(
            self._method,
            _address(base, path, rest if in_query else {}),
            headers=headers,
            body=b"" if in_query else orjson.dumps(rest, option=orjson.OPT_NON_STR_KEYS, default=str),
            timeout=connector.config.timeout_seconds,
            public_only=not connector.config.allow_private,
        )
        if reply.status >= 400:
            after = pause_asked(reply, context.unit.clock.now())
            said = f"{connector.name}: {self._method} {self._path} was answered {reply.status}."
            raise TryAgain(said, after=after, code="integration.refused")
        return _result(reply)

    def _filled(self, payload: dict[str, Any]) -> str:
        def value(found: re.Match[str]) -> str:
            given = payload.get(found[1])
            if given is None or given == "":
                message = f"The input has no {found[1]!r}, which stands in the path {self._path}."
                raise Rejected(
                    message,
                    errors=[{"pointer": f"/{found[1]}", "message": message}],
                    code="integration.parameter_missing",
                    status=422,
                )
            return quote(text_of(given), safe="")

        return PARAMETER.sub(value, self._path)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _address(base: str, path: str, query: dict[str, Any]) -> str:
    url = f"{base.rstrip('/')}/{path.lstrip('/')}"
    pairs = [(name, item) for name, value in query.items() for item in (value if isinstance(value, list) else [value])]
    asked = urlencode([(name, text_of(item)) for name, item in pairs if item is not None])
    return f"{url}{'&' if '?' in url else '?'}{asked}" if asked else url


def _line(name: str, value: Any) -> str:
    text = str(value)
    if not text.isprintable():
        raise StepFailed(f"The header {name} would hold a line break.", code="integration.bad_header")
    return text


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _result(reply: HttpReply) -> dict[str, Any]:
    try:
        value = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return {**value, "statusCode": reply.status}
    return {"statusCode": reply.status, "raw": reply.body.decode("utf-8", "replace")}
