"""Settings of `reverseproxy` and `http.proxy`, in the framework's own spelling (spec/modules.md 3.6)."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidatorFunctionWrapHandler, WrapValidator

from apps.engine.config_types import Seconds, TemplateText, WholeNumber
from apps.engine.module import ModuleConfig
from apps.modules.catalog.http._proxy_urls import BackendUrl

TARGET = "target"  # name of the backend that `target` stands for
Fault = tuple[str, str, str]


class Part(BaseModel):
    """Base of the parts of a config: unknown keys are findings, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BreakerConfig(Part):
    """A circuit breaker."""

    enabled: bool = Field(True, description="Count failures and leave the backend alone after too many.")
    failure_threshold: WholeNumber = Field(5, ge=1, le=1000, description="Failures in a row that open the breaker.")
    success_threshold: WholeNumber = Field(1, ge=1, le=1000, description="Good trials that close it again.")
    open_timeout: Seconds = Field(30.0, gt=0, le=3600, description="How long it stays open before a trial.")
    half_open_allowed_requests: WholeNumber = Field(1, ge=1, le=100, description="Trials at a time.")


class HealthConfig(Part):
    """Health checks of backends."""

    enabled: bool = Field(False, description="Ask backends whether they are well before using them.")
    interval: Seconds = Field(30.0, ge=1, le=3600, description="A backend is asked this often at most.")
    timeout: Seconds = Field(5.0, gt=0, le=30, description="How long the answer may take.")
    expected_status_codes: tuple[WholeNumber, ...] = Field((200,), description="Statuses that mean well.")
    health_endpoints: dict[str, str] = Field(
        default_factory=dict, description="Path, or whole address, to ask by backend; else the backend's own address."
    )


class PathRewriting(Part):
    """How a path is changed on its way to a backend."""

    strip_base_path: str = Field("", description="Beginning of the path that is taken away.")
    base_path_rewrite: str = Field("", description="What is put in front of the path.")


class HeaderRewriting(Part):
    """How headers are changed on their way to a backend."""

    hostname_handling: Literal["use_backend", "preserve_original", "use_custom"] = Field(
        "use_backend", description="What the backend is told it is called."
    )
    custom_hostname: str = Field("", pattern=r"^[A-Za-z0-9.:_-]*$", description="The name for use_custom.")
    set_headers: dict[str, TemplateText] = Field(
        default_factory=dict, description="Headers to set; text may hold ${SECRET}."
    )
    remove_headers: tuple[str, ...] = Field((), description="Headers to leave out.")


class ResponseHeaders(Part):
    """How the headers of an answer are changed."""

    set_headers: dict[str, TemplateText] = Field(default_factory=dict, description="Headers to set.")
    remove_headers: tuple[str, ...] = Field((), description="Headers to leave out.")


class Alternatives(Part):
    """What is used instead where a feature is off."""

    feature_flag_id: str = Field("", description="The flag that must be on.")
    alternative_backend: str = Field("", description="The backend to use while the flag is off.")


def _or_empty(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Let an empty text, as forms send it, say nothing."""
    return value if value == "" else check(value)


class RouteConfig(Alternatives):
    """Settings of one route."""

    timeout: Seconds | None = Field(None, gt=0, le=120, description="How long its backend may take.")
    path_rewrite: str = Field("", description="The path to ask for, whatever the request's path.")


class BackendConfig(Alternatives):
    """Settings of one backend."""

    url: BackendUrl = Field("", description="Its address, where backend_services does not say it.")
    path_rewriting: PathRewriting = Field(PathRewriting(), description="Changes to the path.")
    header_rewriting: HeaderRewriting = Field(HeaderRewriting(), description="Changes to the request's headers.")
    circuit_breaker: BreakerConfig | None = Field(None, description="Its own breaker settings.")
    timeout: Seconds | None = Field(None, gt=0, le=120, description="How long it may take.")


class CompositeRoute(Alternatives):
    """One answer made of those of several backends."""

    pattern: str = Field("", description="The path pattern; the key where left out.")
    backends: tuple[str, ...] = Field(min_length=1, max_length=10, description="Who is asked.")
    strategy: Literal["merge", "select", "first-success", "append"] = Field(
        "merge", description="merge objects, take the first good answer (select, first-success), or append lists."
    )


class FeatureFlags(Part):
    """Switches by name."""

    enabled: bool = Field(True, description="Look at the flags at all.")
    flags: dict[str, bool] = Field(default_factory=dict, description="The switches; one that is not here is on.")


class ProxyConfig(ModuleConfig):
    """Settings of a reverse proxy."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset(
        {
            "backend_circuit_breakers",
            "debug_endpoints",
            "description",
            "dry_run",
            "error_handling",
            "forward_headers",
            "metrics_config",
            "metrics_enabled",
            "metrics_endpoint",
            "metrics_path",
        }
    )

    backend_services: dict[str, BackendUrl] = Field(default_factory=dict, description="Addresses of backends by name.")
    routes: dict[str, str] = Field(default_factory=dict, description="Backends by path pattern, such as /api/*.")
    default_backend: str = Field("", description="The backend of every other path.")
    composite_routes: dict[str, CompositeRoute] = Field(
        default_factory=dict, description="Answers made of those of several backends."
    )
    route_configs: dict[str, RouteConfig] = Field(default_factory=dict, description="Settings by route pattern.")
    backend_configs: dict[str, BackendConfig] = Field(default_factory=dict, description="Settings by backend.")
    circuit_breaker: BreakerConfig = Field(
        default_factory=lambda: BreakerConfig(enabled=False), description="When a backend is left alone."
    )
    health_check: HealthConfig = Field(
        default_factory=HealthConfig, description="How it is found out whether a backend is well."
    )
    cache_enabled: bool = Field(False, description="Keep good answers to GET for a while.")
    cache_ttl: Seconds = Field(60.0, gt=0, le=3600, description="How long an answer is kept.")
    request_timeout: Seconds = Field(
        10.0,
        gt=0,
        le=120,
        validation_alias=AliasChoices("request_timeout", "timeout"),
        description="How long a backend may take.",
    )
    tenant_id_header: str = Field(
        "X-Tenant-ID", pattern=r"^[A-Za-z0-9-]{1,64}$", description="The header that names the caller's tenant."
    )
    require_tenant_id: bool = Field(False, description="Refuse requests without that header.")
    header_rewriting: HeaderRewriting = Field(
        HeaderRewriting(), description="Changes to the request's headers for every backend."
    )
    response_headers: ResponseHeaders = Field(
        ResponseHeaders(),
        validation_alias=AliasChoices("response_headers", "response_header_config"),
        description="Changes to the answer's headers.",
    )
    feature_flags: FeatureFlags = Field(FeatureFlags(), description="Switches that routes and backends look at.")
    target: Annotated[BackendUrl, WrapValidator(_or_empty)] = Field("", description="The address of the only backend.")
    path_rewrite: str | dict[str, str] = Field(
        "",
        validation_alias=AliasChoices("pathRewrite", "path_rewrite"),
        description="A path to put in front, or new beginnings of paths by old ones.",
    )

    @property
    def addresses(self) -> dict[str, str]:
        """Every backend's address by its name."""
        own = {name: backend.url for name, backend in self.backend_configs.items() if backend.url}
        only = {TARGET: self.target} if self.target else {}
        return {**own, **only, **self.backend_services}

    @property
    def fallback(self) -> str:
        """The backend of a path that no route has; empty when there is none."""
        addresses = self.addresses
        if self.default_backend:
            return self.default_backend
        return TARGET if self.target else next(iter(addresses)) if len(addresses) == 1 else ""

    def faults(self) -> Iterator[Fault]:
        """Return what no single key shows: names of backends that are none, patterns that are no paths."""
        if self.default_backend:
            yield from self._backend("default_backend", self.default_backend)
        for pattern, name in self.routes.items():
            yield from _pattern(f"routes.{pattern}", pattern)
            yield from self._backend(f"routes.{pattern}", name)
        for key, route in self.composite_routes.items():
            yield from _pattern(f"composite_routes.{key}", route.pattern or key)
            for name in route.backends:
                yield from self._backend(f"composite_routes.{key}.backends", name)
        for pattern in self.route_configs:
            if pattern not in self.routes:
                yield f"route_configs.{pattern}", "config.invalid", f"There is no route {pattern!r}."
        for name in self.backend_configs:
            yield from self._backend(f"backend_configs.{name}", name)
        for key, part in self._alternatives():
            if part.alternative_backend:
                yield from self._backend(f"{key}.alternative_backend", part.alternative_backend)

    def _alternatives(self) -> Iterator[tuple[str, Alternatives]]:
        parts: tuple[tuple[str, dict[str, Any]], ...] = (
            ("route_configs", self.route_configs),
            ("backend_configs", self.backend_configs),
            ("composite_routes", self.composite_routes),
        )
        for group, found in parts:
            for name, part in found.items():
                yield f"{group}.{name}", part

    def _backend(self, key: str, name: str) -> Iterator[Fault]:
        if name not in self.addresses:
            yield key, "config.invalid", f"There is no backend {name!r}."


def _pattern(key: str, pattern: str) -> Iterator[Fault]:
    if not pattern.startswith("/"):
        yield key, "config.invalid", f"{pattern!r}: a path begins with '/'."
