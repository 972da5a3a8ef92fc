"""The web process: tenants' traffic to the ingress, sockets to Channels, everything else to Django on threads."""

import asyncio
import os
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

import django

django.setup()

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from apps.core.startup import refuse_unsafe_database
from config.health import Health
from config.sockets import sockets


class Product:
    """One ASGI callable over all doors; starts the ingress once, with or without lifespan events."""

    def __init__(self, http: Any, websocket: Any) -> None:
        self.http = http
        self.websocket = websocket
        self._started = False
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if not self._started:
            await self._start()
        door = self.websocket if scope["type"] == "websocket" else self.http
        await door(scope, receive, send)

    async def _start(self) -> None:
        async with self._starting:
            if not self._started:
                await asyncio.to_thread(refuse_unsafe_database)
                await self.http.start()
                self._started = True

    async def _stop(self) -> None:
        if self._started:
            self._started = False
            await self.http.stop()

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            stage = message["type"].removeprefix("lifespan.")
            try:
                await (self._start() if stage == "startup" else self._stop())
            except Exception as problem:
                await send({"type": f"lifespan.{stage}.failed", "message": str(problem)})
                raise
            await send({"type": f"lifespan.{stage}.complete"})
            if stage == "shutdown":
                return


class Unserved:
    """Stands where the ingress does, passing everything on to Django."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to flush."""


def _ingress(app: Any) -> Any:
    if find_spec("apps.runs.ingress") is None:
        return Unserved(app)
    from apps.runs.ingress import Ingress

    return Ingress(app)


def _product() -> Any:
    django_on_threads: Any = get_wsgi_application()
    pages = WSGIMiddleware(django_on_threads, workers=settings.WEB_THREADS)
    return Health(Product(_ingress(pages), sockets()))


application = _product()
