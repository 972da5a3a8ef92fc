"""Lets a request through only with a token that an auth module of the document accepts.

The token is expected as `Authorization: <scheme> <token>`; without that header, the session cookie of an `auth.modular`
does as well. The claims are in `request.claims` for the handler. Without any auth module in the document every request
is refused.
"""

from typing import Any, ClassVar

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Links, Module, ModulePort


class HttpMiddlewareAuthConfig(SettingsModel):
    """Settings of `http.middleware.auth`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"secretKey", "type", "secret"})

    auth_type: str = Field("Bearer", pattern=r"^\S+$", description="The scheme word, compared exactly.")


class HttpMiddlewareAuth(Module[HttpMiddlewareAuthConfig]):
    """The token check of a route."""

    kind = "http.middleware.auth"
    title = "Token check"
    category = Category.HTTP
    Config = HttpMiddlewareAuthConfig
    inputs = (
        ModulePort("request", "http", "A request."),
        ModulePort("providers", "service", "Auth modules that know the tokens."),
    )
    outputs = (ModulePort("allowed", "http", "The request with its claims."),)

    def __init__(self, name: str, config: HttpMiddlewareAuthConfig) -> None:
        super().__init__(name, config)
        self._providers: tuple[Any, ...] = ()

    def link(self, links: Links) -> None:
        """Find every auth provider of the document."""
        self._providers = tuple(module for module in links.modules.values() if hasattr(module, "authenticate"))

    async def before(self, request: Request, context: Context) -> Response | None:
        """Set the claims, or stop with 401 and a plain text that says which part is wrong."""
        header = request.headers.get("authorization", "")
        if not header and await self._knows(request, context):
            return None
        if not header:
            return self._refused("The Authorization header is missing.")
        scheme, _, token = header.partition(" ")
        if scheme != self.config.auth_type or not token:
            return self._refused(f"The Authorization header must read: {self.config.auth_type} <token>.")
        for provider in self._providers:
            claims = await provider.authenticate(token, context)
            if claims is not None:
                request.claims = claims
                return None
        return self._refused("The credentials are not valid.")

    async def _knows(self, request: Request, context: Context) -> bool:
        """Whether a provider knows the request by something else than a token, such as its session cookie."""
        for provider in self._providers:
            ask = getattr(provider, "authenticate_request", None)
            claims = None if ask is None else await ask(request, context)
            if claims is not None:
                request.claims = claims
                return True
        return False

    def _refused(self, text: str) -> Response:
        response = Response.text(text, 401)
        response.headers.append((b"www-authenticate", self.config.auth_type.encode()))
        return response
