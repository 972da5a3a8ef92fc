"""Answers every request with one fixed response.

Without a `body` the answer is JSON with the handler's name, a status and a message. Use it as a placeholder while a
document grows, for a health address, or as the source of messages: with an entry under `messaging.producers` the
request's payload is published to the topics it names. One that says no answer of its own and has a `job.store` under
`dependsOn` answers as that store does: GET shows the runs of jobs, POST runs one.
"""

from typing import Any, ClassVar

import orjson
from pydantic import Field

from apps.engine.config_types import SettingsModel, WholeNumber
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort


class HttpHandlerConfig(SettingsModel):
    """Settings of `http.handler`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"method", "path"})

    content_type: str = Field("application/json", pattern=r"^[\x20-\x7e]+$", description="Media type of the answer.")
    status: WholeNumber = Field(200, ge=200, le=599, description="HTTP status of the answer.")
    body: Any = Field(None, description="The answer itself: any JSON value, or text. Left out, a standard one is sent.")


class HttpHandler(Module[HttpHandlerConfig]):
    """A route with a fixed answer."""

    kind = "http.handler"
    title = "Fixed answer"
    category = Category.HTTP
    Config = HttpHandlerConfig
    inputs = (ModulePort("request", "http", "The request of a route."),)
    outputs = (ModulePort("payload", "message", "The request's payload, for `messaging.producers`."),)

    def __init__(self, name: str, config: HttpHandlerConfig) -> None:
        super().__init__(name, config)
        self._content_type = config.content_type.encode()
        self._body = config.body.encode() if isinstance(config.body, str) else orjson.dumps(self._answer())

    def _answer(self) -> Any:
        if self.config.body is not None:
            return self.config.body
        refused = self.config.status >= 400
        return {
            "handler": self.name,
            "status": "error" if refused else "success",
            "message": "The request was refused." if refused else "The request was handled.",
        }

    def handle(self, request: Request, context: Context) -> Response:
        """Answer any request."""
        return Response(self.config.status, self._body, self._content_type)

    def answer(self) -> dict[str, Any]:
        """Return the answer as a flow over branch nodes gives it: status, headers, body."""
        return {
            "status": self.config.status,
            "headers": {"content-type": self.config.content_type},
            "body": self._answer(),
        }

    def run(self, payload: Any, context: Context) -> Any:
        """Return the answer as a step's output."""
        return self._answer()
