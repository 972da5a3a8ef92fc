"""Good answers to GET, kept in the process for a while: those that their backend lets anybody have."""

from collections.abc import AsyncIterator, Callable

from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.ports import HttpReply, OpenReply
from apps.engine.streams import StreamedResponse

LARGEST = 256 * 1024
PRIVATE = ("authorization", "cookie")
UNSHARED = frozenset({"set-cookie", "vary"})
NOT_KEPT = ("no-store", "private", "no-cache")
STATE = b"x-cache"


class AnswerCache:
    """The kept answers of one module."""

    def __init__(self, module: str, tenant_header: str, seconds: float) -> None:
        self._module = module
        self._tenant_header = tenant_header.lower()
        self._seconds = seconds

    def look(self, request: Request, context: Context) -> Response | None:
        """Return a kept answer as a fresh object."""
        if not self.takes(request):
            return None
        kept: Response | None = context.unit.memory.get(self._key(request))
        if kept is None:
            return None
        return Response(kept.status, kept.body, kept.content_type, [*kept.headers, (STATE, b"HIT")])

    def keep(self, request: Request, response: Response, context: Context) -> None:
        """Keep an answer when it may be given to others."""
        said = {name.decode("latin-1"): value.decode("latin-1").lower() for name, value in response.headers}
        if not self.takes(request) or response.status != 200 or len(response.body) > LARGEST:
            return
        if UNSHARED & said.keys() or any(word in said.get("cache-control", "") for word in NOT_KEPT):
            return
        key, kind, headers = self._key(request), response.content_type, list(response.headers)
        memory = context.unit.memory

        def put(body: bytes) -> None:
            memory.put(key, Response(200, body, kind, headers), seconds=self._seconds, size=len(body))

        if isinstance(response, StreamedResponse):
            response.source = _Overheard(response.source, put)
        else:
            put(response.body)
        response.headers.append((STATE, b"MISS"))

    def takes(self, request: Request) -> bool:
        """Whether answers to this request are anybody's."""
        return request.method == "GET" and not any(request.headers.get(name) for name in PRIVATE)

    def _key(self, request: Request) -> str:
        tenant, accepted = (request.headers.get(name, "") for name in (self._tenant_header, "accept"))
        return f"answer:{self._module}:{tenant}:{accepted}:{request.path}?{request.query_string.decode('latin-1')}"


class _Overheard:
    """An answer on its way to the caller, which is kept when its end has come and it has not grown too large."""

    def __init__(self, source: OpenReply, put: Callable[[bytes], None]) -> None:
        self.status = source.status
        self.headers = source.headers
        self.lines = source.lines
        self._source = source
        self._put = put

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes."""
        heard = bytearray()
        async for chunk in self._source.chunks():
            if len(heard) <= LARGEST:
                heard += chunk
            yield chunk
        if len(heard) <= LARGEST:
            self._put(bytes(heard))

    async def whole(self) -> HttpReply:
        """Read the body; nothing is kept of it."""
        return await self._source.whole()

    async def close(self) -> None:
        """Give the connection up."""
        await self._source.close()
