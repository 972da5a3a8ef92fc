"""Good answers to GET, kept in the process for a while: those that their backend lets anybody have."""

from apps.engine.http import Request, Response
from apps.engine.module import Context

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
        kept = Response(200, response.body, response.content_type, list(response.headers))
        context.unit.memory.put(self._key(request), kept, seconds=self._seconds, size=len(response.body))
        response.headers.append((STATE, b"MISS"))

    def takes(self, request: Request) -> bool:
        """Whether answers to this request are anybody's."""
        return request.method == "GET" and not any(request.headers.get(name) for name in PRIVATE)

    def _key(self, request: Request) -> str:
        tenant, accepted = (request.headers.get(name, "") for name in (self._tenant_header, "accept"))
        return f"answer:{self._module}:{tenant}:{accepted}:{request.path}?{request.query_string.decode('latin-1')}"
