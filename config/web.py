"""The web process as one ASGI callable over all doors, with a beginning and an end."""

import asyncio
from collections.abc import Callable
from typing import Any

from apps.engine.memory import settle


class WebProcess:
    """Starts the HTTP door once, before its first request; servers without lifespan events start it by asking."""

    def __init__(self, http: Any, websocket: Any, check: Callable[[], None]) -> None:
        self._http = http
        self._websocket = websocket
        self._check = check
        self._started = False
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if not self._started:
            await self._start()
        door = self._websocket if scope["type"] == "websocket" else self._http
        await door(scope, receive, send)

    def begin(self, scope: Any, receive: Any, send: Any) -> Any:
        """Do what can be done without waiting; return what is left to be awaited, or None (config/protocol.py)."""
        if self._started and scope["type"] == "http":
            return self._http.begin(scope, receive, send)
        return self(scope, receive, send)

    async def _start(self) -> None:
        async with self._starting:
            if not self._started:
                await asyncio.to_thread(self._check)
                await self._http.start()
                settle()
                self._started = True

    async def _stop(self) -> None:
        if self._started:
            await self._http.stop()

    async def _lifespan(self, receive: Any, send: Any) -> None:
        stages = {"lifespan.startup": self._start, "lifespan.shutdown": self._stop}
        kind = ""
        while kind != "lifespan.shutdown":
            kind = (await receive())["type"]
            try:
                await stages[kind]()
            except Exception as problem:
                await send({"type": f"{kind}.failed", "message": str(problem)})
                raise
            await send({"type": f"{kind}.complete"})
