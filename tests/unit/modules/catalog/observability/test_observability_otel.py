import hashlib
from uuid import UUID

import orjson
import pytest

from apps.engine.module import Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.modules.catalog.observability.observability_otel import ObservabilityOtel
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import RUN_ID

pytestmark = [pytest.mark.spec("observability.otel", "D12"), pytest.mark.spec("CAT-B1")]

STEP = UUID("018f0000-0000-5000-8000-000000000002")
ENDED = {
    "workflowType": "pipelines",
    "workflow": "weigh",
    "action": "go",
    "status": "completed",
    "timestamp": "2030-01-01T00:00:01.500001+00:00",
    "duration": 1_500_001_000,
    "results": {"private": "x"},
}
BEGAN_NS = 1_893_456_000 * 10**9


async def send(unit, event, *, reply=None, config=None, **context):
    unit.http.replies.append(reply or HttpReply(200, {}, b"{}"))
    module = make(ObservabilityOtel, config, "traces")
    asked = unit.context(**{"step_id": STEP} | context)
    answer = await module.run({"topic": "workflow.pipelines.completed", "event": event}, asked)
    return answer, orjson.loads(unit.http.asked[-1]["body"]), asked


def the_span(body):
    ((scope,),) = [found["scopeSpans"] for found in body["resourceSpans"]]
    (span,) = scope["spans"]
    return span


def told(span):
    return {each["key"]: each["value"]["stringValue"] for each in span["attributes"]}


async def test_a_run_is_a_span_from_its_beginning_to_its_end(unit):
    answer, body, _ = await send(unit, ENDED)
    span = the_span(body)
    assert (span["name"], span["kind"], span["status"]) == ("pipelines weigh", 1, {"code": 1})
    assert (span["startTimeUnixNano"], span["endTimeUnixNano"]) == (str(BEGAN_NS), str(BEGAN_NS + 1_500_001_000))
    assert answer == {"traceId": span["traceId"], "spanId": span["spanId"]}
    assert told(span) == {
        "workflow.type": "pipelines",
        "workflow.name": "weigh",
        "workflow.action": "go",
        "workflow.status": "completed",
    }
    assert b"private" not in unit.http.asked[0]["body"]


async def test_a_failed_run_is_a_span_that_says_why(unit):
    _, body, _ = await send(unit, ENDED | {"status": "failed", "error": "no weight" + "!" * 2000})
    status = the_span(body)["status"]
    assert (status["code"], status["message"][:10], len(status["message"])) == (2, "no weight!", 1000)


async def test_a_request_is_a_span_of_a_server_named_by_its_action_where_no_workflow_is(unit):
    event = {key: said for key, said in ENDED.items() if key != "workflow"}
    _, body, _ = await send(unit, event | {"workflowType": "http"})
    assert (the_span(body)["name"], the_span(body)["kind"]) == ("http go", 2)


@pytest.mark.parametrize(
    ("request_id", "trace"),
    [
        ("", RUN_ID.hex),
        ("018f0000000070008000000000000009", "018f0000000070008000000000000009"),
        ("018F0000-0000-7000-8000-000000000009", "018f0000000070008000000000000009"),
        ("call-7", hashlib.sha256(b"call-7").hexdigest()[:32]),
    ],
)
async def test_the_trace_is_that_of_the_request_and_else_of_the_run(unit, request_id, trace):
    _, body, _ = await send(unit, ENDED, request_id=request_id)
    assert the_span(body)["traceId"] == trace
    assert told(the_span(body)).get("http.request.id", "") == request_id


async def test_a_request_of_zeros_is_no_trace_of_zeros(unit):
    _, body, _ = await send(unit, ENDED, request_id="0" * 32)
    assert int(the_span(body)["traceId"], 16) > 0


async def test_a_repeat_sends_the_same_span_and_another_step_another(unit):
    bodies = [(await send(unit, ENDED, step_id=step))[1] for step in (STEP, STEP, UUID(int=1))]
    assert bodies[0] == bodies[1]
    assert the_span(bodies[0])["spanId"] != the_span(bodies[2])["spanId"]
    assert make(ObservabilityOtel).effect is Effect.IDEMPOTENT


@pytest.mark.parametrize(
    ("config", "url", "name"),
    [
        ({}, "http://localhost:4318/v1/traces", "workflow"),
        ({"endpoint": "", "serviceName": ""}, "http://localhost:4318/v1/traces", "workflow"),
        ({"endpoint": "collector:4318", "serviceName": "shop"}, "http://collector:4318/v1/traces", "shop"),
        ({"endpoint": "https://c.example/otlp/"}, "https://c.example/otlp/v1/traces", "workflow"),
        ({"endpoint": "https://c.example/v1/traces"}, "https://c.example/v1/traces", "workflow"),
        ({"endpoint": "${COLLECTOR}"}, "https://secret.example/v1/traces", "workflow"),
    ],
)
async def test_it_goes_to_the_collector_under_the_name_of_the_service(unit, config, url, name):
    unit.secrets.values["COLLECTOR"] = "https://secret.example"
    _, body, _ = await send(unit, ENDED, config=config)
    assert (unit.http.asked[0]["method"], unit.http.asked[0]["url"]) == ("POST", url)
    assert told(body["resourceSpans"][0]["resource"])["service.name"] == name


@pytest.mark.shows("observability.otel", "failure")
async def test_what_is_refused_for_now_or_not_answered_is_tried_again(unit):
    for reply in (HttpReply(503, {}, b""), HttpReply(429, {}, b""), TryAgain("nobody answers")):
        with pytest.raises(TryAgain):
            await send(unit, ENDED, reply=reply)


@pytest.mark.shows("observability.otel", "failure")
async def test_what_is_refused_for_good_fails_the_run(unit):
    with pytest.raises(StepFailed) as failure:
        await send(unit, ENDED, reply=HttpReply(401, {}, b"who?"))
    assert (failure.value.code, failure.value.data) == ("otel.refused", {"status": 401, "body": "who?"})


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}', ["too old"]),
        (b'{"partialSuccess":{"errorMessage":"soon gone"}}', ["soon gone"]),
        (b'{"partialSuccess":{}}', []),
        (b'{"partialSuccess":[]}', []),
        (b"[]", []),
        (b"thanks", []),
        (b"", []),
    ],
)
async def test_what_a_collector_says_of_a_span_it_did_not_take_is_written_down(unit, body, lines):
    _, _, context = await send(unit, ENDED, reply=HttpReply(200, {}, body))
    assert [line["message"].rpartition(": ")[2] for line in context.logs] == lines


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": 7},
        {"timestamp": "0001-01-01T00:00:00"},
        {"timestamp": "9999-12-31T00:00:00+00:00"},
        {"workflowType": 7},
    ],
)
async def test_a_message_that_only_looks_like_the_end_of_a_run_is_not_sent(unit, change):
    with pytest.raises(StepFailed) as failure:
        await send(unit, ENDED | change)
    assert (failure.value.code, unit.http.asked) == ("otel.bad_event", [])


@pytest.mark.parametrize("payload", [None, "x", {}, {"event": []}])
async def test_a_step_that_gives_it_no_event_is_refused(unit, payload):
    with pytest.raises(StepFailed):
        await make(ObservabilityOtel).run(payload, unit.context())


@pytest.mark.parametrize("duration", [None, -5, True, "long", 10**30])
async def test_a_duration_that_is_none_gives_no_negative_time(unit, duration):
    _, body, _ = await send(unit, ENDED | {"duration": duration})
    assert int(the_span(body)["endTimeUnixNano"]) >= int(the_span(body)["startTimeUnixNano"]) >= 0


def test_it_hears_the_ends_of_runs_and_no_steps():
    module = make(ObservabilityOtel)
    assert module.listens() == ("workflow.*.completed", "workflow.*.failed")
    heard = [module.hears("workflow.x.failed", each) for each in (ENDED, {}, None, [1], {"workflowType": 1})]
    assert heard == [True, False, False, False, False]


@pytest.mark.spec("CAT-B2.15")
async def test_the_service_may_be_a_secret(unit):
    unit.secrets.values["SERVICE"] = "shop-eu"
    _, body, _ = await send(unit, ENDED, config={"serviceName": "${SERVICE}"})
    (told_of,) = [found["resource"]["attributes"] for found in body["resourceSpans"]]
    assert {"key": "service.name", "value": {"stringValue": "shop-eu"}} in told_of
