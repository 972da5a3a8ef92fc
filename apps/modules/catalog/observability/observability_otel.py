"""Tells a collector of OpenTelemetry about every run of the document, as a span.

When a run or a request has ended, a span goes to `endpoint` over OTLP/HTTP (`/v1/traces`, JSON): it is named after the
section and the workflow, begins and ends with the run, and says whether it failed and why. What runs were given and
what they made is not sent. All runs that follow from one request are in one trace, whose id is that of the request
(`X-Request-ID`) when it is a UUID, and its digest otherwise. A repeat sends the same span again.

The collector gets each span from a run of this module, which tries again what is refused for now (429, 5xx) or not
answered. In the hosted product the collector must have a public address.
"""

from typing import Any, ClassVar

import orjson
from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel, TemplateText
from apps.engine.http_answers import answered
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import StepFailed
from apps.engine.ports import HttpReply
from apps.engine.run.program import RetryPolicy
from apps.modules.catalog.observability._spans import BadEvent, Identity, export_of, span_of

USUAL_ENDPOINT = "http://localhost:4318"
USUAL_NAME = "workflow"
PATH = "/v1/traces"
TOPICS = ("workflow.*.completed", "workflow.*.failed")  # steps have topics with more parts
SECONDS = 10.0


class ObservabilityOtelConfig(SettingsModel):
    """Settings of `observability.otel`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    endpoint: TemplateText = Field(USUAL_ENDPOINT, description="The collector's address; http:// where it says none.")
    service_name: TemplateText = Field(USUAL_NAME, description="The service that the spans are said to be of.")

    @field_validator("endpoint")
    @classmethod
    def _usual_endpoint(cls, value: str) -> str:
        return value.strip() or USUAL_ENDPOINT

    @field_validator("service_name")
    @classmethod
    def _usual_name(cls, value: str) -> str:
        return value or USUAL_NAME


class ObservabilityOtel(Module[ObservabilityOtelConfig]):
    """An exporter of spans."""

    kind = "observability.otel"
    title = "OpenTelemetry"
    category = Category.OBSERVABILITY
    Config = ObservabilityOtelConfig
    effect = Effect.IDEMPOTENT
    retry = RetryPolicy(attempts=5, timeout_seconds=SECONDS + 5.0)
    inputs = (ModulePort("events", "event", "The ends of runs."),)
    outputs = (ModulePort("sent", "data", "`{traceId, spanId}` of the span that was sent."),)

    def __init__(self, name: str, config: ObservabilityOtelConfig) -> None:
        super().__init__(name, config)
        self._endpoint = LateText(config.endpoint)
        self._service = LateText(config.service_name)

    def listens(self) -> tuple[str, ...]:
        """Return the topics of the ends of runs."""
        return TOPICS

    def hears(self, topic: str, payload: Any) -> bool:
        """Whether a message of these topics tells of a run."""
        return isinstance(payload, dict) and isinstance(payload.get("workflowType"), str)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Send the span of one `{topic, event}`; raise `TryAgain` or `StepFailed` unless the collector took it."""
        event: Any = payload.get("event") if isinstance(payload, dict) else None
        if not self.hears("", event):
            raise StepFailed(f"{self.name} is given the ends of runs.", code="otel.bad_event", status=422)
        identity = Identity.of(context.request_id, context.run_id, context.step_id or context.run_id)
        try:
            span = span_of(event, identity, context.request_id)
        except BadEvent as bad:
            raise StepFailed(f"{self.name}: {bad}.", code="otel.bad_event", status=422) from None
        reply = await context.unit.http.request(
            "POST",
            await self._address(context),
            headers={"content-type": "application/json"},
            body=orjson.dumps(export_of(span, str(await self._service.fill(context)))),
            timeout=SECONDS,
        )
        answered(reply, self.name, "otel", context)
        self._heed(reply, context)
        return {"traceId": identity.trace, "spanId": identity.span}

    async def _address(self, context: Context) -> str:
        said = str(await self._endpoint.fill(context))
        address = (said if "://" in said else f"http://{said}").rstrip("/")
        return address if address.endswith(PATH) else address + PATH

    def _heed(self, reply: HttpReply, context: Context) -> None:
        """Write down what the collector says of a span that it answered and did not take: no repeat would change it."""
        try:
            told = orjson.loads(reply.body or b"{}")["partialSuccess"]
            message, refused = str(told.get("errorMessage", "")), int(told.get("rejectedSpans", 0))
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        if refused or message:
            context.log(f"{self.name}: the collector took no span: {message[:1000]}", "warning")
