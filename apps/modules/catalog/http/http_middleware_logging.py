"""Writes one line per request into the run's log: method, path, status and duration."""

from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort


class HttpMiddlewareLoggingConfig(SettingsModel):
    """Settings of `http.middleware.logging`."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        validation_alias=AliasChoices("logLevel", "level"),
        description="Level of the line: debug, info, warning (or warn) or error.",
        json_schema_extra={"enum": ["debug", "info", "warning", "warn", "error"]},
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _spelling(cls, value: Any) -> Any:
        lowered = value.lower() if isinstance(value, str) else value
        return "warning" if lowered == "warn" else lowered


class HttpMiddlewareLogging(Module[HttpMiddlewareLoggingConfig]):
    """The request log of a route."""

    kind = "http.middleware.logging"
    title = "Request log"
    category = Category.HTTP
    Config = HttpMiddlewareLoggingConfig
    inputs = (ModulePort("request", "http", "A request."),)
    outputs = (ModulePort("request", "http", "The same request."),)

    def before(self, request: Request, context: Context) -> None:
        """Remember when the request came."""
        context.state[self.name] = context.unit.clock.now()

    def after(self, request: Request, response: Response, context: Context) -> None:
        """Write the line."""
        taken = context.unit.clock.now() - context.state[self.name]
        context.log(
            f"{request.method} {request.path} {response.status}",
            self.config.log_level,
            method=request.method,
            path=request.path,
            status=response.status,
            duration_ms=round(taken.total_seconds() * 1000, 3),
        )
