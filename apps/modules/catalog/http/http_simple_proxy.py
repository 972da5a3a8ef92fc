"""Passes requests on to other servers, chosen by the beginning of the path.

`targets` maps path prefixes to addresses; the longest prefix that fits wins, whole segments counting (`/api` fits
`/api/users`, not `/apis`). The path is kept and joined to the address: `/api: https://backend.example/v1` asks
`/api/users` of `https://backend.example/v1/api/users`. Whatever the backend answers is passed on, long answers and
events as they come; when it cannot be reached the answer is 502 with `{error, backend, path}`. `${NAME}` in an address
stands for a secret.
"""

from pydantic import Field

from apps.engine.config_types import Seconds, SettingsModel
from apps.engine.http import Request, Response
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import StepFailed, TryAgain
from apps.modules.catalog.http._proxy_exchange import address, exchange, failed, forwarded, passed_on, refuse_upgrade
from apps.modules.catalog.http._proxy_urls import BackendUrl, described, filled, is_below


class HttpSimpleProxyConfig(SettingsModel):
    """Settings of `http.simple_proxy`."""

    targets: dict[str, BackendUrl] = Field(
        default_factory=dict, description="Addresses of backends by path prefix; the longest that fits wins."
    )
    timeout: Seconds = Field(30.0, gt=0, le=120, description="How long a backend may take.")


class HttpSimpleProxy(Module[HttpSimpleProxyConfig]):
    """A reverse proxy by path prefix."""

    kind = "http.simple_proxy"
    title = "Simple proxy"
    category = Category.HTTP
    Config = HttpSimpleProxyConfig
    effect = Effect.ONCE
    inputs = (ModulePort("request", "http", "The request of a route."),)

    def __init__(self, name: str, config: HttpSimpleProxyConfig) -> None:
        super().__init__(name, config)
        longest_first = sorted(config.targets, key=len, reverse=True)
        self._targets = [(prefix, LateText(config.targets[prefix])) for prefix in longest_first]

    def problems(self) -> list[tuple[str, str, str]]:
        """Say which prefixes are no paths."""
        bad = [prefix for prefix in self.config.targets if not prefix.startswith("/")]
        return [(f"targets.{prefix}", "config.invalid", f"{prefix!r}: a path begins with '/'.") for prefix in bad]

    async def handle(self, request: Request, context: Context) -> Response:
        """Pass one request on."""
        refuse_upgrade(request)
        found = next(((prefix, text) for prefix, text in self._targets if is_below(request.path, prefix)), None)
        if found is None:
            return Response.text(f"No backend serves {request.path}.", 502)
        prefix, text = found
        base = await filled(text, context)
        url = address(base, request.path, request.query_string.decode("latin-1"))
        try:
            reply = await exchange(context, request, url, headers=forwarded(request), timeout=self.config.timeout)
        except (StepFailed, TryAgain) as failure:
            return failed(described(self.config.targets[prefix]), request.path, failure)
        return passed_on(reply)
