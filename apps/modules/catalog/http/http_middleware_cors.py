"""Lets browser pages of other origins call a route.

Requests of an allowed origin get the CORS headers; all others are served without them, and the browser keeps the
answer from the page. Preflight requests (OPTIONS) are answered for every path that has this middleware.
"""

from pydantic import AliasChoices, Field

from apps.engine.config_types import Seconds, SettingsModel, Words
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort
from apps.modules.catalog.http._cors import CorsRules


class HttpMiddlewareCorsConfig(SettingsModel):
    """Settings of `http.middleware.cors`."""

    allowed_origins: Words = Field(
        ("*",),
        validation_alias=AliasChoices("allowedOrigins", "allowOrigins"),
        description="Origins such as https://shop.example, or * for any.",
    )
    allowed_methods: Words = Field(
        ("GET", "POST", "PUT", "DELETE", "OPTIONS"),
        validation_alias=AliasChoices("allowedMethods", "allowMethods"),
        description="Methods a page may use.",
    )
    allowed_headers: Words = Field(
        ("Content-Type", "Authorization"),
        validation_alias=AliasChoices("allowedHeaders", "allowHeaders"),
        description="Request headers a page may set.",
    )
    max_age: Seconds | None = Field(None, ge=0, description="How long a browser may keep a preflight answer.")


class HttpMiddlewareCors(Module[HttpMiddlewareCorsConfig]):
    """Cross-origin rules of a route."""

    kind = "http.middleware.cors"
    title = "Cross-origin rules"
    category = Category.HTTP
    Config = HttpMiddlewareCorsConfig
    inputs = (ModulePort("request", "http", "A request."),)
    outputs = (ModulePort("allowed", "http", "The same request."),)

    def __init__(self, name: str, config: HttpMiddlewareCorsConfig) -> None:
        super().__init__(name, config)
        self._rules = CorsRules(config.allowed_origins, config.allowed_methods, config.allowed_headers, config.max_age)
        self.answers_preflight = True

    def before(self, request: Request, context: Context) -> Response | None:
        """Answer a preflight request; let every other one pass."""
        return self._rules.preflight(request)

    def after(self, request: Request, response: Response, context: Context) -> None:
        """Add the headers when the request's origin is allowed; once, however often it is called."""
        self._rules.tell(request, response)
