"""One backend of a reverse proxy: whether it may be asked, how it is asked, and what its answer is."""

from dataclasses import dataclass

from apps.engine.http import Request
from apps.engine.late_text import LateText
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply, OpenReply
from apps.modules.catalog.http._proxy_breaker import Breaker
from apps.modules.catalog.http._proxy_config import BackendConfig, HeaderRewriting, PathRewriting, ProxyConfig
from apps.modules.catalog.http._proxy_exchange import address, exchange, forwarded
from apps.modules.catalog.http._proxy_urls import filled, is_below


class NotAsked(Exception):
    """A backend is not asked at the moment; `seconds` says when it may be."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a route wants of its backend."""

    timeout: float | None = None
    path: str = ""  # to ask for instead of the request's own


class Backend:
    """One backend of one module."""

    def __init__(self, module: str, name: str, config: ProxyConfig) -> None:
        own = config.backend_configs.get(name, BackendConfig())
        self.name = name
        self.alternative = own.alternative_backend
        self.flag = own.feature_flag_id
        self.breaker = Breaker(f"{module}/{name}", own.circuit_breaker or config.circuit_breaker)
        self._key = f"health:{module}/{name}"
        self._url = LateText(config.addresses[name])
        self._paths = own.path_rewriting
        self._headers = (config.header_rewriting, own.header_rewriting)
        self._set = [LateText(dict(each.set_headers)) for each in self._headers]
        self._timeout = own.timeout or config.request_timeout
        self._health = config.health_check
        self._endpoint = config.health_check.health_endpoints.get(name, "")

    async def ask(
        self, request: Request, context: Context, path: str, wanted: Wanted, *, whole: bool = False
    ) -> HttpReply | OpenReply:
        """Ask once; raise `NotAsked`, `TryAgain` or `StepFailed`.

        An answer of 500 and more counts as a failure. One that is read as it comes is judged by its beginning.
        """
        if self._health.enabled and not await self.is_well(context):
            raise NotAsked("The backend is not well.", self._health.interval)
        seconds = self.breaker.refusal(context)
        if seconds:
            raise NotAsked("The backend has failed too often and is left alone.", seconds)
        try:
            reply = await self._ask(request, context, path, wanted, whole=whole)
        except (StepFailed, TryAgain):
            self.breaker.note(context, is_good=False)
            raise
        self.breaker.note(context, is_good=reply.status < 500)
        return reply

    async def _ask(
        self, request: Request, context: Context, path: str, wanted: Wanted, *, whole: bool
    ) -> HttpReply | OpenReply:
        base = await filled(self._url, context)
        url = address(base, wanted.path or rewritten(path, self._paths), request.query_string.decode("latin-1"))
        return await exchange(
            context,
            request,
            url,
            headers=await self._sent(request, context),
            timeout=wanted.timeout or self._timeout,
            host=self._host(request),
            whole=whole,
        )

    async def _sent(self, request: Request, context: Context) -> dict[str, str]:
        headers = forwarded(request)
        for rules, texts in zip(self._headers, self._set, strict=True):
            for name in rules.remove_headers:
                headers.pop(name.lower(), None)
            values = await texts.fill(context)
            headers |= {name.lower(): str(value) for name, value in values.items()}
        return headers

    def _host(self, request: Request) -> str:
        rules = self._headers[1] if self._headers[1] != HeaderRewriting() else self._headers[0]
        if rules.hostname_handling == "preserve_original":
            return request.headers.get("host", "")
        return rules.custom_hostname if rules.hostname_handling == "use_custom" else ""

    async def is_well(self, context: Context) -> bool:
        """Say what the last look at the backend found; look again when that was longer ago than the interval."""
        known: bool | None = context.unit.memory.get(self._key)
        if known is None:
            known = await self.look(context)
            context.unit.memory.put(self._key, known, seconds=self._health.interval)
        return known

    async def look(self, context: Context) -> bool:
        """Ask the backend's health address now."""
        try:
            base = await filled(self._url, context)
            whole = self._endpoint.startswith(("http://", "https://"))
            url = self._endpoint if whole else address(base, self._endpoint, "") if self._endpoint else base
            reply = await context.unit.http.request("GET", url, timeout=self._health.timeout, redirects=False)
        except (StepFailed, TryAgain):
            return False
        return reply.status in self._health.expected_status_codes


def rewritten(path: str, rules: PathRewriting) -> str:
    """Return a path with its old beginning taken away and the new one put in front."""
    base = rules.strip_base_path
    if base and is_below(path, base):
        path = path[len(base.rstrip("/")) :] or "/"
    return f"{rules.base_path_rewrite.rstrip('/')}{path}" if rules.base_path_rewrite else path
