"""Holds the routes of the `http` section below one base path, with cross-origin rules for all of them.

Patterns are those of `http.router`. `basepath` is put in front of every route that does not begin with it. Pages of
`allowed_origins` may call, any by default; `cors: {enabled: false}` leaves cross-origin rules to the routes. A route
that takes longer than `timeout` is answered with 504, and what it wrote is undone. Settings may also stand under the
top-level key `chimux`.
"""

from typing import ClassVar

from pydantic import AliasChoices, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apps.engine.config_types import Seconds, SettingsModel, Words
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModuleConfig, ModulePort
from apps.modules.catalog.http._cors import CorsRules

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
HEADERS = ("Origin", "Accept", "Content-Type", "X-Requested-With", "Authorization")


def _spelled(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class Cors(ModuleConfig):
    """Cross-origin rules in a map of their own; what it leaves out is said beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="Whether the router has cross-origin rules at all.")
    allowed_origins: Words | None = Field(
        None, validation_alias=_spelled("allowed_origins"), description="Origins, or * for any."
    )
    allowed_methods: Words | None = Field(
        None, validation_alias=_spelled("allowed_methods"), description="Methods a page may use."
    )
    allowed_headers: Words | None = Field(
        None, validation_alias=_spelled("allowed_headers"), description="Request headers a page may set."
    )
    allow_credentials: bool | None = Field(
        None, validation_alias=_spelled("allow_credentials"), description="Whether cookies are sent along."
    )
    max_age: Seconds | None = Field(
        None, ge=0, validation_alias=_spelled("max_age"), description="How long a preflight answer is kept."
    )


class ChimuxRouterConfig(SettingsModel):
    """Settings of `chimux.router`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "logRoutes", "middleware", "prefix"})

    allowed_origins: Words = Field(
        ("*",), validation_alias=_spelled("allowed_origins"), description="Origins, or * for any."
    )
    allowed_methods: Words = Field(
        METHODS, validation_alias=_spelled("allowed_methods"), description="Methods a page may use."
    )
    allowed_headers: Words = Field(
        HEADERS, validation_alias=_spelled("allowed_headers"), description="Request headers a page may set."
    )
    allow_credentials: bool = Field(
        False, validation_alias=_spelled("allow_credentials"), description="Whether cookies are sent along."
    )
    max_age: Seconds = Field(
        300.0, ge=0, validation_alias=_spelled("max_age"), description="How long a preflight answer is kept."
    )
    timeout: Seconds | None = Field(None, gt=0, description="How long a route may take; left out, there is no limit.")
    basepath: str = Field(
        "",
        pattern=r"^(/[^{}:]*)?$",
        validation_alias=AliasChoices("basepath", "basePath", "base_path"),
        description="Put in front of every route, such as /api.",
    )
    cors: Cors = Field(Cors(), description="The cross-origin rules again, in a map of their own.")


class ChimuxRouter(Module[ChimuxRouterConfig]):
    """A router with a base path and cross-origin rules."""

    kind = "chimux.router"
    aliases = ("chimux",)
    title = "Router with base path"
    category = Category.FRAMEWORK
    Config = ChimuxRouterConfig
    inputs = (ModulePort("requests", "http", "Requests from the server."),)
    outputs = (ModulePort("routed", "http", "Each request, to the handler of its route."),)

    def __init__(self, name: str, config: ChimuxRouterConfig) -> None:
        super().__init__(name, config)
        own = config.cors
        self._rules = CorsRules(
            config.allowed_origins if own.allowed_origins is None else own.allowed_origins,
            config.allowed_methods if own.allowed_methods is None else own.allowed_methods,
            config.allowed_headers if own.allowed_headers is None else own.allowed_headers,
            config.max_age if own.max_age is None else own.max_age,
            credentials=config.allow_credentials if own.allow_credentials is None else own.allow_credentials,
        )
        self.answers_preflight = own.enabled
        self.base_path = config.basepath.rstrip("/")
        self.time_limit = config.timeout

    def problems(self) -> list[tuple[str, str, str]]:
        """Refuse cookies for pages of any origin: that would let every page act as the visitor."""
        own = self.config.cors
        origins = self.config.allowed_origins if own.allowed_origins is None else own.allowed_origins
        with_cookies = self.config.allow_credentials if own.allow_credentials is None else own.allow_credentials
        if own.enabled and with_cookies and "*" in origins:
            key = "allow_credentials" if own.allow_credentials is None else "cors"
            return [(key, "config.invalid", "With credentials, name the origins that may call; * is any page.")]
        return []

    def before(self, request: Request, context: Context) -> Response | None:
        """Answer a preflight request; let every other one pass."""
        return self._rules.preflight(request) if self.answers_preflight else None

    def after(self, request: Request, response: Response, context: Context) -> None:
        """Add the cross-origin headers."""
        if self.answers_preflight:
            self._rules.tell(request, response)
