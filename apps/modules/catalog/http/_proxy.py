"""A reverse proxy over several backends: what `reverseproxy` and `http.proxy` are (spec/modules.md 3.6)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from apps.engine.http import Request, Response
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.engine.routes import RouteTable
from apps.engine.streams import StreamedResponse
from apps.modules.catalog.http._proxy_backend import Backend, NotAsked, Wanted
from apps.modules.catalog.http._proxy_cache import AnswerCache
from apps.modules.catalog.http._proxy_composite import Answered, appended, merged
from apps.modules.catalog.http._proxy_config import Alternatives, CompositeRoute, ProxyConfig, RouteConfig
from apps.modules.catalog.http._proxy_exchange import failed, passed_on, refuse_upgrade, unavailable, without
from apps.modules.catalog.http._proxy_urls import is_below

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ANY = "*"  # one table serves every method
EVERYTHING = "/{path...}"
JOINING: dict[str, Callable[[Sequence[Answered]], Response | None]] = {"merge": merged, "append": appended}


@dataclass(frozen=True, slots=True)
class _Choice:
    """Who answers the paths of one pattern."""

    pattern: str
    backends: tuple[str, ...]
    strategy: str = ""
    alternatives: Alternatives = field(default_factory=Alternatives)
    wanted: Wanted = field(default_factory=Wanted)
    method: str = ANY


class ReverseProxyModule(Module[ProxyConfig]):
    """Base of both kinds."""

    category = Category.HTTP
    Config = ProxyConfig
    effect = Effect.ONCE
    inputs = (ModulePort("request", "http", "The request of a route."),)

    def __init__(self, name: str, config: ProxyConfig) -> None:
        super().__init__(name, config)
        self._backends = {each: Backend(name, each, config) for each in config.addresses}
        self._choices = RouteTable(_choices(config))
        self._cache = AnswerCache(name, config.tenant_id_header, config.cache_ttl)
        self._rewrites = _rewrites(config.path_rewrite)
        self._told = LateText(dict(config.response_headers.set_headers))

    def problems(self) -> list[tuple[str, str, str]]:
        """Say which names of backends are none and which patterns are no paths."""
        return list(self.config.faults())

    def mounts(self) -> list[tuple[str, str]]:
        """Serve the patterns of the settings, and everything else where there is a default backend."""
        patterns = [choice.pattern for choice in self._choices.routes]
        if self.config.default_backend:
            patterns.append(EVERYTHING)
        return [(method, pattern) for pattern in patterns for method in METHODS]

    async def health(self, context: Context) -> tuple[str, str]:
        """Report which backends are not well, or being left alone."""
        names = [name for name, backend in self._backends.items() if backend.breaker.is_open(context)]
        if self.config.health_check.enabled:
            names += [name for name, backend in self._backends.items() if not await backend.is_well(context)]
        if not names:
            return "healthy", ""
        state = "unhealthy" if len(set(names)) == len(self._backends) else "degraded"
        return state, f"not well: {', '.join(dict.fromkeys(names))}"

    async def handle(self, request: Request, context: Context) -> Response:
        """Pass one request on."""
        refuse_upgrade(request)
        header = self.config.tenant_id_header
        if self.config.require_tenant_id and not request.headers.get(header.lower()):
            raise Rejected(f"The header {header} is required.", code="proxy.tenant_missing", status=400)
        kept = self._cache.look(request, context) if self.config.cache_enabled else None
        if kept is not None:
            return kept
        response = await self._answer(request, context)
        if self.config.cache_enabled:
            self._cache.keep(request, response, context)
        rules = self.config.response_headers
        response.headers = without(response.headers, [*rules.remove_headers, *rules.set_headers])
        pairs = (await self._told.fill(context)).items()
        response.headers += [(name.lower().encode("latin-1"), _header(value)) for name, value in pairs]
        return response

    async def _answer(self, request: Request, context: Context) -> Response:
        choice = self._choices.match(ANY, request.path).route or _Choice("", (self.config.fallback,))
        names = choice.backends if self._is_on(choice.alternatives.feature_flag_id) else ()
        if not names:
            names = (choice.alternatives.alternative_backend,)
        backends = [self._standing_in(name) for name in names if name in self._backends]
        if not backends:
            raise Rejected(f"No backend serves {request.path}.", code="proxy.no_backend", status=404)
        if choice.strategy in JOINING:
            return await self._joined(backends, choice, request, context)
        return await self._first(backends, choice, request, context)

    def _is_on(self, flag: str) -> bool:
        flags = self.config.feature_flags
        return not flag or not flags.enabled or flags.flags.get(flag, True)

    def _standing_in(self, name: str) -> Backend:
        """Return a backend, or the one to use while its flag is off."""
        backend = self._backends[name]
        return backend if self._is_on(backend.flag) else self._backends.get(backend.alternative, backend)

    async def _first(
        self, backends: Sequence[Backend], choice: _Choice, request: Request, context: Context
    ) -> Response:
        """Return the first answer that is no failure, else the last one."""
        response = Response(502)
        for backend in backends:
            try:
                reply = await backend.ask(request, context, self._path(request), choice.wanted)
                response = passed_on(reply)
            except NotAsked as refusal:
                response = unavailable(backend.name, request.path, str(refusal), refusal.seconds)
            except Rejected:
                raise
            except (StepFailed, TryAgain) as failure:
                response = failed(backend.name, request.path, failure)
            if response.status < 400 or backend is backends[-1]:
                break
            if isinstance(response, StreamedResponse):
                await response.source.close()
        return response

    async def _joined(
        self, backends: Sequence[Backend], choice: _Choice, request: Request, context: Context
    ) -> Response:
        asked = [self._good(backend, choice, request, context) for backend in backends]
        names = [backend.name for backend in backends]
        answers = list(zip(names, await asyncio.gather(*asked), strict=True))
        response = JOINING[choice.strategy](answers)
        if response is not None:
            return response
        nobody = StepFailed("No backend gave an answer that can be put together.", code="proxy.nobody")
        return failed(", ".join(names), request.path, nobody)

    async def _good(self, backend: Backend, choice: _Choice, request: Request, context: Context) -> HttpReply | None:
        try:
            reply = await backend.ask(request, context, self._path(request), choice.wanted, whole=True)
        except (NotAsked, StepFailed, TryAgain):
            return None
        return reply if isinstance(reply, HttpReply) and reply.status < 400 else None

    def _path(self, request: Request) -> str:
        for old, new in self._rewrites:
            if is_below(request.path, old):
                return f"{new.rstrip('/')}{request.path[len(old.rstrip('/')) :]}" or "/"
        return request.path


def _choices(config: ProxyConfig) -> list[_Choice]:
    found = []
    for key, route in config.composite_routes.items():
        found.append(_Choice(pattern_of(route.pattern or key), route.backends, _strategy(route), route))
    for pattern, name in config.routes.items():
        own = config.route_configs.get(pattern, RouteConfig())
        wanted = Wanted(own.timeout, own.path_rewrite)
        found.append(_Choice(pattern_of(pattern), (name,), "", own, wanted))
    return found


def _strategy(route: CompositeRoute) -> str:
    return route.strategy if route.strategy in JOINING else ""


def pattern_of(written: str) -> str:
    """Return a pattern of the framework (`/api/*`) in the document's own form (`/api/{path...}`)."""
    return f"{written[:-1]}{{path...}}" if written.endswith("/*") else written


def _rewrites(written: str | dict[str, str]) -> list[tuple[str, str]]:
    """Return old and new beginnings of paths, longest first; a text is put in front of every path."""
    if isinstance(written, str):
        return [("/", written)] if written else []
    pairs = [(old.removeprefix("^"), new) for old, new in written.items()]
    return sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)


def _header(value: object) -> bytes:
    """Return a value as a header may carry it, on one line."""
    return " ".join(str(value).splitlines()).encode("latin-1", "replace")
