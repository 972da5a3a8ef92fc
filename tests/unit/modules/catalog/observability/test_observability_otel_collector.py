"""What `observability.otel` sends, read by a receiver with the message types that OpenTelemetry publishes."""

import base64

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.local.outside import OutboundHttp
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.support.upstream import Said, upstream

pytestmark = [pytest.mark.spec("observability.otel"), pytest.mark.proven("observability.otel", "opentelemetry-proto")]

DOCUMENT = """
modules:
  - {{name: traces, type: observability.otel, config: {{endpoint: '{url}', serviceName: shop}}}}
workflows:
  pipelines:
    weigh: {{steps: [{{validate: {{schema: {{type: object, required: [grams]}}}}}}]}}
"""


def decoded(body):
    """Return a request in OTLP's JSON form, where ids are hexadecimal and not base64; unknown fields are refused."""
    for resource in body["resourceSpans"]:
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            for name in ("traceId", "spanId"):
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return ParseDict(body, ExportTraceServiceRequest())


async def test_runs_arrive_as_spans_whatever_the_collector_said_at_first():
    with upstream() as collector:
        collector.say("POST /v1/traces", Said(503), Said(200, {}))
        document = load(DOCUMENT.format(url=collector.url)).document
        http = OutboundHttp()
        async with Bench(compile_document(document, registry()), http=http) as bench:
            for data in ({"grams": 5}, {}):
                await bench.host.start_run(bench.host.application().resolve("weigh", "weigh", data))
            await bench.settle()
            assert bench.host.bugs == []
        await http.close()
        asked = collector.asked("POST /v1/traces")
    assert len(asked) == 3
    assert {each.headers["content-type"] for each in asked} == {"application/json"}
    found = {}
    for each in asked:
        (resource,) = decoded(each.json).resource_spans
        names = {said.key: said.value.string_value for said in resource.resource.attributes}
        assert names["service.name"] == "shop"
        (span,) = resource.scope_spans[0].spans
        found[span.span_id] = span
    assert sorted(span.status.code for span in found.values()) == [Status.STATUS_CODE_OK, Status.STATUS_CODE_ERROR]
    for span in found.values():
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert (span.name, span.kind) == ("pipelines weigh", Span.SPAN_KIND_INTERNAL)
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    assert len({span.trace_id for span in found.values()}) == 2
