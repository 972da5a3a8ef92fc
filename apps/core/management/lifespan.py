"""The beginning and the end of an ASGI process, told to the application where the server does not do it."""

import asyncio
from typing import Any

SCOPE = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}


class LifespanFailed(Exception):
    """The application refused to start, or could not end as it should; it says why."""


class Lifespan:
    """Plays the server's part of the lifespan events; `start` and `stop` belong to one event loop."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._stages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._life: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Return once the application is ready for requests."""
        self._life = {asyncio.ensure_future(self._application(SCOPE, self._stages.get, self._answers.put))}
        await self._reach("startup")

    async def stop(self) -> None:
        """Return once the application has written and given back everything; call it after the last request."""
        await self._reach("shutdown")

    async def _reach(self, stage: str) -> None:
        await self._stages.put({"type": f"lifespan.{stage}"})
        answer = await self._answers.get()
        if answer["type"] == f"lifespan.{stage}.failed":
            await asyncio.gather(*self._life, return_exceptions=True)
            raise LifespanFailed(answer["message"])
