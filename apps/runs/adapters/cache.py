"""The `Cache` port over the product's Redis, or over a server of a tenant's own.

All of a tenant is under one hash tag (`engine/redis_cache.py`), made here from the place of the unit. A server that a
document names is reached through the outbound guard, like every other address of a tenant's.
"""

from collections.abc import Sequence
from typing import Any

import redis.asyncio
import structlog

from apps.engine.addresses import is_public
from apps.engine.cache_limits import LARGEST_TENANT
from apps.engine.local.outbound import MayReach
from apps.engine.local.redis_servers import RedisServers
from apps.engine.ports import Cache, Clock
from apps.engine.redis_address import RedisServer
from apps.engine.redis_cache import PREFIX, CacheAway, ScriptedCache
from apps.runs.adapters.place import Place

__all__ = ["OUTAGE", "PREFIX", "RedisCache", "RedisCaches"]

log = structlog.get_logger(__name__)
OUTAGE = (redis.RedisError, OSError)


class RedisCaches:
    """The connections of one process and event loop; made when first used."""

    def __init__(self, redis_url: str, may_reach: MayReach = lambda host, port, address: is_public(address)) -> None:
        self._url = redis_url
        self._client: Any = None
        self.servers = RedisServers(may_reach)  # of tenants

    @property
    def client(self) -> Any:
        """The connection pool."""
        if self._client is None:
            self._client = redis.asyncio.Redis.from_url(self._url, socket_timeout=2, socket_connect_timeout=2)
        return self._client

    def scoped(self, place: Place, clock: Clock) -> "RedisCache":
        """Return the cache of one place."""
        return RedisCache(self, place, clock)

    async def close(self) -> None:
        """Close the connections."""
        await self.servers.close()
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class RedisCache(ScriptedCache):
    """The cached values of one tenant, environment and workflow."""

    def __init__(self, caches: RedisCaches, place: Place, clock: Clock, most_bytes: int = LARGEST_TENANT) -> None:
        super().__init__(str(place.tenant_id), f"{place.environment_id}/{place.workflow_id}", clock, most_bytes)
        self._caches = caches

    def at(self, server: RedisServer) -> Cache:
        """Return the cache of the same place on a server of the tenant's own."""
        return self._caches.servers.cache(server, self.tag, self.where, self.clock)

    async def evaluate(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script; whatever goes wrong with Redis is an outage of ours."""
        try:
            return await self._caches.client.eval(script, len(keys), *keys, *arguments)
        except OUTAGE as problem:
            log.warning("cache.unreachable", problem=type(problem).__name__)
            raise CacheAway(type(problem).__name__) from None
