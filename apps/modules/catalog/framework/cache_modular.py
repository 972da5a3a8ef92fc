"""Keeps values by key for a while.

As a step it takes one `action`: `get` `{key}` returns `{found, value}`, `set` `{key, value, ttl}` `{stored}`, `delete`
`{key}` `{deleted}`, `flush` forgets everything of this module; `getMulti` `{keys}` returns `{values}` with those that
are there, `setMulti` `{values, ttl}`, `deleteMulti` `{keys}`. Values are JSON, up to 1 MiB each; without a `ttl` they
live for `defaultTTL`. A cache may forget at any time, and beyond `maxItems` it forgets what would have ended first.

Weft brings the memory: hosted it is shared by all processes, whichever `engine` is named, and apart for every tenant,
environment, workflow and module; under `wfctl run` it is the process's own.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from apps.engine.cache_limits import LONGEST_KEY, MOST_ITEMS, MOST_KEYS
from apps.engine.config_types import Seconds, SettingsModel, WholeNumber
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.step_input import read_input

BAD_REQUEST = "cache.bad_request"
LONGEST_TTL = 30 * 86_400.0

Key = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
ACTIONS = Literal["get", "set", "delete", "flush", "getMulti", "setMulti", "deleteMulti"]


class CacheModularConfig(SettingsModel):
    """Settings of `cache.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset(
        {"cleanupInterval", "redisURL", "redisPassword", "redisDB", "connectionMaxAge", "description"}
    )

    engine: Literal["memory", "redis"] = Field(
        "memory",
        validation_alias=AliasChoices("engine", "provider", "backend"),
        description="memory or redis; Weft brings either.",
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

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Do one action."""
        asked = read_input(CacheRequest, payload, asked="The cache cannot do this.", code=BAD_REQUEST)
        cache = context.unit.cache
        match asked.action:
            case "get":
                key = _key(asked)
                found = await cache.get(self.name, [key])
                return {"found": key in found, "value": found.get(key)}
            case "getMulti":
                return {"values": await cache.get(self.name, asked.keys)}
            case "set":
                return await self._set(context, {_key(asked): asked.value}, asked.ttl)
            case "setMulti":
                return await self._set(context, asked.values, asked.ttl)
            case "flush":
                await cache.flush(self.name)
                return {"flushed": True}
            case _:
                keys = [_key(asked)] if asked.action == "delete" else asked.keys
                return {"deleted": await cache.delete(self.name, keys)}

    async def _set(self, context: Context, values: dict[str, Any], ttl: float | None) -> dict[str, Any]:
        most = min(self.config.max_items, MOST_ITEMS)
        await context.unit.cache.set(self.name, values, ttl=ttl or self.config.default_ttl, most=most)
        return {"stored": len(values)}


def _key(asked: CacheRequest) -> str:
    if asked.key is None:
        message = f"{asked.action} needs a key."
        raise Rejected(message, errors=[{"pointer": "/key", "message": message}], code=BAD_REQUEST, status=422)
    return asked.key
