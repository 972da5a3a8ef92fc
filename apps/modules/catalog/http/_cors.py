"""Cross-origin rules, for the middleware and for routers that bring their own."""

from collections.abc import Sequence

from apps.engine.http import Request, Response


class CorsRules:
    """Which pages of other origins may call, and what a browser is told of it."""

    def __init__(
        self,
        origins: Sequence[str],
        methods: Sequence[str],
        headers: Sequence[str],
        max_age: float | None = None,
        *,
        credentials: bool = False,
    ) -> None:
        self._origins = frozenset(origins)
        self._headers = [
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", ", ".join(headers).encode()),
        ]
        if max_age is not None:
            self._headers.append((b"access-control-max-age", str(int(max_age)).encode()))
        if credentials:
            self._headers.append((b"access-control-allow-credentials", b"true"))

    def preflight(self, request: Request) -> Response | None:
        """Answer a preflight request; None for every other one."""
        if request.method != "OPTIONS":
            return None
        response = Response.text("", 200)
        self.tell(request, response)
        return response

    def tell(self, request: Request, response: Response) -> None:
        """Add the headers when the request's origin is allowed; once, however often it is called."""
        if any(name == b"vary" and b"Origin" in value for name, value in response.headers):
            return
        response.headers.append((b"vary", b"Origin"))
        origin = request.headers.get("origin", "")
        if origin and ("*" in self._origins or origin in self._origins):
            response.headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
            response.headers += self._headers
