"""Gives every request an id: the caller's own when it sent one, else a new one.

The id comes back in the answer's header, refusals included, and goes out as `X-Request-ID` with what HTTP clients,
webhooks, proxies and `http` connectors send.
"""

import re
from uuid import uuid4

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort

USABLE = re.compile(r"[\x21-\x7e]{1,128}")


class HttpMiddlewareRequestidConfig(SettingsModel):
    """Settings of `http.middleware.requestid`."""

    header_name: str = Field(
        "X-Request-ID", pattern=r"^[A-Za-z0-9-]{1,64}$", description="The header that carries the id, both ways."
    )


class HttpMiddlewareRequestid(Module[HttpMiddlewareRequestidConfig]):
    """The request id of a route."""

    kind = "http.middleware.requestid"
    title = "Request id"
    category = Category.HTTP
    Config = HttpMiddlewareRequestidConfig
    inputs = (ModulePort("request", "http", "A request."),)
    outputs = (ModulePort("request", "http", "The same request, with an id."),)

    def __init__(self, name: str, config: HttpMiddlewareRequestidConfig) -> None:
        super().__init__(name, config)
        self._header = config.header_name.lower()

    def before(self, request: Request, context: Context) -> None:
        """Take over the caller's id, keep the host's, or make one."""
        sent = request.headers.get(self._header, "")
        if USABLE.fullmatch(sent):
            request.id = sent
        request.id = request.id or str(uuid4())
        context.request_id = request.id

    def after(self, request: Request, response: Response, context: Context) -> None:
        """Say the id in the answer."""
        name = self._header.encode()
        if not any(header == name for header, _ in response.headers):
            response.headers.append((name, request.id.encode()))
