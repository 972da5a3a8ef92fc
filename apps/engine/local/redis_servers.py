"""Caches on Redis servers that documents name, for both hosts: one connection to each, kept for the next call."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from apps.engine.local.outbound import MayReach
from apps.engine.local.redis_wire import RedisLink, noticed
from apps.engine.ports import Cache, Clock
from apps.engine.redis_address import RedisServer
from apps.engine.redis_cache import CacheAway, ScriptedCache

log = logging.getLogger(__name__)
MOST_OPEN = 64  # connections, of all tenants; the one that was used least lately is closed first


class RedisServers:
    """The open connections; they belong to one event loop."""

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach
        self._open: OrderedDict[RedisServer, asyncio.Task[RedisLink]] = OrderedDict()

    def cache(self, server: RedisServer, tag: str, where: str, clock: Clock) -> Cache:
        """Return what one scope keeps on a server (`engine/redis_cache.py` says what tag and where are)."""
        return _ServerCache(self, server, tag, where, clock)

    async def ask(self, server: RedisServer, *parts: Any) -> Any:
        """Send one command; raise `CacheAway` or `StepFailed`."""
        link = await asyncio.shield(self._opening(server))
        return await link.ask(*parts)

    async def close(self) -> None:
        """Close all connections."""
        openings = list(self._open.values())
        self._open.clear()
        for opening in openings:
            opening.cancel()
        for opened in await asyncio.gather(*openings, return_exceptions=True):
            if isinstance(opened, RedisLink):
                opened.close()
                await opened.closed()

    def _opening(self, server: RedisServer) -> "asyncio.Task[RedisLink]":
        opening = self._open.get(server)
        if opening is not None and _is_over(opening, server):
            _use(opening, RedisLink.retire)
            opening = None
        if opening is None:
            opening = self._open[server] = asyncio.create_task(RedisLink.open(server, self._may_reach))
            opening.add_done_callback(noticed)
        self._open.move_to_end(server)
        while len(self._open) > MOST_OPEN:
            _, oldest = self._open.popitem(last=False)
            oldest.add_done_callback(lambda opened: _use(opened, RedisLink.retire))
        return opening


class _ServerCache(ScriptedCache):
    def __init__(self, servers: RedisServers, server: RedisServer, tag: str, where: str, clock: Clock) -> None:
        super().__init__(tag, where, clock)
        self._servers, self._server = servers, server

    def at(self, server: RedisServer) -> Cache:
        """Return the cache of the same scope on another server."""
        return self._servers.cache(server, self.tag, self.where, self.clock)

    async def evaluate(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script on the server."""
        try:
            return await self._servers.ask(self._server, "EVAL", script, len(keys), *keys, *arguments)
        except CacheAway as problem:
            log.warning("the cache server %s:%d does not answer: %s", self._server.host, self._server.port, problem)
            raise


def _is_over(opening: "asyncio.Task[RedisLink]", server: RedisServer) -> bool:
    """Whether a connection is to be replaced: it failed, broke, or is too old."""
    if not opening.done():
        return False
    if opening.cancelled() or opening.exception() is not None or not opening.result().is_open:
        return True
    age = time.monotonic() - opening.result().opened_at
    return 0 < server.connection_seconds <= age


def _use(opening: "asyncio.Task[RedisLink]", action: Any) -> None:
    if opening.done() and not opening.cancelled() and opening.exception() is None:
        action(opening.result())
