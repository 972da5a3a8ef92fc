"""Keeps values by key for a while.

As a step it takes one `action`: `get` `{key}` returns `{found, value}`, `set` `{key, value, ttl}` `{stored}`, `delete`
`{key}` `{deleted}`, `flush` forgets everything of this module; `getMulti` `{keys}` returns `{values}` with those that
are there, `setMulti` `{values, ttl}`, `deleteMulti` `{keys}`. Values are JSON, up to 1 MiB each; without a `ttl` they
live for `defaultTTL`. A cache may forget at any time, and beyond `maxItems` it forgets what would have ended first.

`engine: redis` with a `redisURL` (`redis://host:6379/0`, `rediss://` for TLS, best as a whole in a secret) keeps them
on that server, under keys of this workflow and module alone, so that `flush` forgets nothing else there. Without one
Weft brings the memory: hosted it is shared by all processes, and apart for every tenant, environment, workflow and
module; under `wfctl run` it is the process's own. A server that does not answer has no values and takes none, while
`delete` and `flush` are tried again; one that refuses fails the step.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from apps.engine.cache_limits import LONGEST_KEY, MOST_ITEMS, MOST_KEYS
from apps.engine.config_types import Seconds, SettingsModel, TemplateText, WholeNumber
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import Rejected, StepFailed
from apps.engine.placeholders import is_template
from apps.engine.ports import Cache
from apps.engine.redis_address import MOST_DATABASES, server_at
from apps.engine.step_input import read_input

BAD_REQUEST = "cache.bad_request"
LONGEST_TTL = 30 * 86_400.0

Key = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
ACTIONS = Literal["get", "set", "delete", "flush", "getMulti", "setMulti", "deleteMulti"]


class CacheModularConfig(SettingsModel):
    """Settings of `cache.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"cleanupInterval", "description"})

    engine: Literal["memory", "redis"] = Field(
        "memory",
        validation_alias=AliasChoices("engine", "provider", "backend"),
        description="memory, or redis with a `redisURL`; Weft brings the memory.",
    )
    default_ttl: Seconds = Field(
        300.0,
        gt=0,
        le=LONGEST_TTL,
        validation_alias=AliasChoices("defaultTTL", "ttl"),
        description="How long a value lives when its step does not say.",
    )
    max_items: WholeNumber = Field(
        MOST_ITEMS,
        ge=1,
        validation_alias=AliasChoices("maxItems", "maxSize"),
        description=f"How many values there are at most; Weft keeps {MOST_ITEMS} and no more.",
    )
    redis_url: TemplateText = Field(
        "",
        validation_alias=AliasChoices("redisURL", "redisUrl"),
        description="Address of a Redis server of your own, for `engine: redis`.",
    )
    redis_password: TemplateText = Field("", description="Its password, instead of one in the address.")
    redis_db: WholeNumber | None = Field(
        None,
        ge=0,
        lt=MOST_DATABASES,
        validation_alias=AliasChoices("redisDB", "redisDb"),
        description="Number of its database, instead of one in the address.",
    )
    connection_max_age: Seconds = Field(
        3600.0, ge=0, description="How old a connection to it becomes before another takes its place; 0 is any age."
    )

    @field_validator("redis_url")
    @classmethod
    def _sound(cls, value: str) -> str:
        if value and not is_template(value):
            server_at(value, connection_seconds=0)
        return value


class CacheRequest(BaseModel):
    """What a step asks of a cache."""

    model_config = ConfigDict(extra="forbid")

    action: ACTIONS
    key: Key | None = Field(None, min_length=1, max_length=LONGEST_KEY)
    keys: list[Annotated[Key, Field(min_length=1, max_length=LONGEST_KEY)]] = Field([], max_length=MOST_KEYS)
    value: Any = None
    values: dict[Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)], Any] = Field({}, max_length=MOST_KEYS)
    ttl: Seconds | None = Field(None, gt=0, le=LONGEST_TTL)


class CacheModular(Module[CacheModularConfig]):
    """A cache of the workflow's own."""

    kind = "cache.modular"
    aliases = ("cache", "data.cache")
    title = "Cache"
    category = Category.FRAMEWORK
    Config = CacheModularConfig
    inputs = (ModulePort("request", "data", "`{action, key, value, ...}`."),)
    outputs = (ModulePort("result", "data", "The value, or what was done."),)

    def __init__(self, name: str, config: CacheModularConfig) -> None:
        super().__init__(name, config)
        self._url = LateText(config.redis_url)
        self._password = LateText(config.redis_password)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Do one action."""
        asked = read_input(CacheRequest, payload, asked="The cache cannot do this.", code=BAD_REQUEST)
        cache = await self._cache(context)
        match asked.action:
            case "get":
                key = _key(asked)
                found = await cache.get(self.name, [key])
                return {"found": key in found, "value": found.get(key)}
            case "getMulti":
                return {"values": await cache.get(self.name, asked.keys)}
            case "set":
                return await self._set(cache, {_key(asked): asked.value}, asked.ttl)
            case "setMulti":
                return await self._set(cache, asked.values, asked.ttl)
            case "flush":
                await cache.flush(self.name)
                return {"flushed": True}
            case _:
                keys = [_key(asked)] if asked.action == "delete" else asked.keys
                return {"deleted": await cache.delete(self.name, keys)}

    async def _cache(self, context: Context) -> Cache:
        if self.config.engine != "redis" or not self.config.redis_url:
            return context.unit.cache
        try:
            server = server_at(
                str(await self._url.fill(context)),
                password=str(await self._password.fill(context)),
                database=self.config.redis_db,
                connection_seconds=self.config.connection_max_age,
            )
        except ValueError as problem:
            raise StepFailed(f"{self.name}: {problem}.", code="cache.bad_address") from None
        return context.unit.cache.at(server)

    async def _set(self, cache: Cache, values: dict[str, Any], ttl: float | None) -> dict[str, Any]:
        most = min(self.config.max_items, MOST_ITEMS)
        await cache.set(self.name, values, ttl=ttl or self.config.default_ttl, most=most)
        return {"stored": len(values)}


def _key(asked: CacheRequest) -> str:
    if asked.key is None:
        message = f"{asked.action} needs a key."
        raise Rejected(message, errors=[{"pointer": "/key", "message": message}], code=BAD_REQUEST, status=422)
    return asked.key
