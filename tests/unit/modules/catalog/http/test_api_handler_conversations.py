"""What `api.handler` does for conversations: messages, risks, programs, and what a carrier's webhook begins."""

import json
from urllib.parse import urlencode

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("api.handler", "SPINE-B4")

DOCUMENT = """
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: engine, type: statemachine.engine}
- {name: users, type: auth.jwt, config: {secret: "a-key-that-only-tests-have", seedFile: users.json}}
- {name: check, type: http.middleware.auth}
- {name: keywords, type: api.handler, config: {resourceName: keywords, seedFile: keywords.json}}
- {name: programs, type: api.handler, config: {resourceName: programs, seedFile: programs.json}}
- name: talks
  type: api.handler
  config:
    resourceName: conversations
    workflowType: talk
    workflowEngine: engine
    instanceIDPrefix: conv-
- name: hooks
  type: api.handler
  config: {resourceName: hooks, workflowType: talk, workflowEngine: engine, initialTransition: route}
- {name: queue, type: api.handler, config: {sourceResourceName: conversations, stateFilter: queued}}
- {name: orders, type: api.handler, config: {resourceName: orders}}
- {name: survey, type: dynamic.component, config: {source: ./components/survey_engine.go}}
- {name: words, type: dynamic.component, config: {source: ./components/keyword_matcher.go}}
- {name: step-words, type: processing.step, config: {componentId: words, maxRetries: 0}}
- {name: step-survey, type: processing.step, config: {componentId: survey, maxRetries: 0}}
workflows:
  http:
    routes:
    - {method: POST, path: /login, handler: users}
    - {method: POST, path: /api/hooks/twilio, handler: hooks}
    - {method: POST, path: /api/hooks/aws, handler: hooks}
    - {method: GET, path: "/api/hooks/{id}", handler: hooks}
    - {method: GET, path: /api/conversations, handler: talks}
    - {method: POST, path: /api/conversations, handler: talks}
    - {method: GET, path: "/api/conversations/{id}", handler: talks}
    - {method: POST, path: "/api/conversations/{id}/messages", handler: talks}
    - {method: POST, path: "/api/conversations/{id}/assign", handler: talks, middlewares: [check]}
    - {method: POST, path: "/api/conversations/{id}/escalate", handler: talks}
    - {method: POST, path: "/api/conversations/{id}/wrap-up", handler: talks}
    - {method: POST, path: "/api/conversations/{id}/close", handler: talks}
    - {method: GET, path: /api/queue/health, handler: queue}
    - {method: POST, path: /api/orders, handler: orders}
  statemachine:
    engine: engine
    definitions:
    - name: talk
      initialState: new
      states:
        new: {}
        queued: {}
        active: {}
        escalated: {}
        wrap_up: {}
        closed: {isFinal: true}
      transitions:
        route: {fromState: new, toState: queued}
        assign_responder: {fromState: queued, toState: active}
        escalate_to_medical: {fromState: active, toState: escalated}
        escalate_to_police: {fromState: active, toState: escalated}
        begin_wrap_up: {fromState: active, toState: wrap_up}
        close_from_active: {fromState: active, toState: closed}
        close_from_wrap_up: {fromState: wrap_up, toState: closed}
    hooks:
    - {workflowType: talk, transitions: [route], handler: step-words}
    - {workflowType: talk, transitions: [begin_wrap_up], handler: step-survey}
"""
FILES = {
    "users.json": [{"id": "u-1", "data": {"email": "ann@desk.example", "password": "pw"}}],
    "keywords.json": [{"id": "k-1", "data": {"keyword": "Teen", "programId": "p-2", "subProgram": "school"}}],
    "programs.json": [
        {"id": "p-1", "data": {"name": "First", "affiliateId": "a-1", "settings": {"queueAlertThreshold": 1}}},
        {"id": "p-2", "data": {"name": "Young", "affiliateId": "a-1", "shortCode": 55501}},
        {"id": "p-3", "data": {"name": "Far", "affiliateId": "a-2", "providers": ["aws"]}},
    ],
}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def bench():
    application = compile_document(
        load(DOCUMENT).document, registry(), read_file=lambda name: json.dumps(FILES[name]).encode()
    )
    async with Bench(application) as found:
        yield found


async def texted(bench, body, **more):
    form = urlencode({"From": "+4420", "To": "55500", "Body": body, **more}).encode()
    answer = await bench.request("POST", "/api/hooks/twilio", body=form, headers={"content-type": FORM})
    assert answer.status == 201, answer.json()
    return answer.json()


async def talk(bench, key):
    answer = await bench.request("GET", f"/api/conversations/{key}")
    assert answer.status == 200
    return answer.json()


async def done(bench, key, action, body, **headers):
    answer = await bench.request("POST", f"/api/conversations/{key}/{action}", body=body, headers=headers)
    return answer.status, answer.json()


async def test_what_a_carrier_posts_as_a_form_begins_a_conversation_with_its_first_message(bench):
    posted = await texted(bench, "hello there ")
    key = posted["data"]["conversationId"]
    assert (key, posted["state"]) == (f"conv-{posted['id']}", "queued")
    found = await talk(bench, key)
    assert found["state"] == "queued"
    said = {name: found["data"][name] for name in ("body", "from", "provider", "riskLevel", "tags")}
    assert said == {"body": "hello there", "from": "+4420", "provider": "twilio", "riskLevel": "low", "tags": []}
    (message,) = found["data"]["messages"]
    assert (message["body"], message["direction"], message["from"]) == ("hello there", "inbound", "+4420")
    assert [row["id"] for row in (await bench.request("GET", "/api/conversations")).json()] == [key]
    async with bench.host.unit() as unit:
        assert (await unit.instances.get("talk", key)).data["id"] == key


@pytest.mark.parametrize(
    ("body", "more", "program", "affiliate"),
    [
        ("TEEN help", {}, "p-2", "a-1"),
        ("teen, help", {"To": "1"}, "p-2", "a-1"),
        ("help", {"To": "55501"}, "p-2", "a-1"),
        ("help", {"provider": "aws"}, "p-3", "a-2"),
        ("help", {}, "p-1", "a-1"),
        ("TEEN help", {"programId": "p-3"}, "p-3", "a-2"),
    ],
)
async def test_the_program_is_that_of_the_keyword_the_number_the_carrier_or_the_first(
    bench, body, more, program, affiliate
):
    found = await talk(bench, (await texted(bench, body, **more))["data"]["conversationId"])
    assert (found["data"]["programId"], found["data"]["affiliateId"]) == (program, affiliate)
    assert found["data"]["programName"]


async def test_an_envelope_is_opened(bench):
    inside = {"originationNumber": "+1", "destinationNumber": "55501", "messageBody": "I want to die"}
    sent = {"Type": "Notification", "MessageId": "m", "Message": json.dumps(inside)}
    posted = (await bench.request("POST", "/api/hooks/aws", body=sent)).json()
    data = (await talk(bench, posted["data"]["conversationId"]))["data"]
    assert (data["body"], data["from"], data["programId"]) == ("I want to die", "+1", "p-2")
    assert (data["riskLevel"], data["tags"]) == ("high", ["suicidal-ideation"])


@pytest.mark.parametrize("held", ["{no json", "[1]", "7", ""])
async def test_what_is_no_envelope_is_kept_as_it_is(bench, held):
    posted = await bench.request("POST", "/api/hooks/aws", body={"Message": held})
    assert (posted.status, posted.json()["data"]["Message"], posted.json()["data"]["messages"]) == (201, held, [])


async def test_risks_are_read_from_inbound_messages_and_a_level_never_falls(bench):
    key = (await texted(bench, "I drink too much alcohol"))["data"]["conversationId"]
    await done(bench, key, "messages", {"body": "Do you want to die?", "direction": "outbound"})
    assert (await talk(bench, key))["data"]["riskLevel"] == "medium"
    await done(bench, key, "messages", {"content": "I am going to do it tonight"})
    await done(bench, key, "messages", {"body": "the sun shines"})
    data = (await talk(bench, key))["data"]
    assert (data["riskLevel"], data["tags"]) == ("critical", ["substance-abuse", "crisis-immediate"])
    assert [message["direction"] for message in data["messages"]] == ["inbound", "outbound", "inbound", "inbound"]


async def test_who_takes_a_conversation_is_the_one_who_asked(bench):
    key = (await texted(bench, "hello"))["data"]["conversationId"]
    login = await bench.request("POST", "/login", body={"email": "ann@desk.example", "password": "pw"})
    token = {"authorization": f"Bearer {login.json()['token']}"}
    assert (await done(bench, key, "assign", {}, **token))[0] == 200
    assert (await talk(bench, key))["data"]["responderId"] == "u-1"


async def taken(bench):
    """Return a conversation that somebody has taken."""
    key = (await texted(bench, "TEEN hello"))["data"]["conversationId"]
    login = await bench.request("POST", "/login", body={"email": "ann@desk.example", "password": "pw"})
    await done(bench, key, "assign", {}, authorization=f"Bearer {login.json()['token']}")
    await bench.settle()
    return key


@pytest.mark.parametrize(("said", "transition"), [({"type": "police"}, "police"), ({"type": "other"}, "medical")])
async def test_an_escalation_goes_where_its_type_says(bench, said, transition):
    key = await taken(bench)
    status, answer = await done(bench, key, "escalate", said)
    assert (status, answer["transition"]) == (200, f"escalate_to_{transition}")


async def test_closing_goes_by_the_transition_that_leaves_the_present_state(bench):
    key = await taken(bench)
    assert (await done(bench, key, "wrap-up", {}))[0] == 200
    status, answer = await done(bench, key, "close", {})
    assert (status, answer["transition"], answer["state"]) == (200, "close_from_wrap_up", "closed")
    status, answer = await done(bench, key, "close", {})
    assert (status, answer["transition"]) == (400, "close_from_active")


async def test_what_one_step_answered_is_no_order_to_the_next(bench):
    key = await taken(bench)
    await done(bench, key, "wrap-up", {})
    await bench.settle()
    runs = [run for run in bench.host.queue.runs("local") if run["source"] == "hook"]
    assert [(run["action"], run["status"]) for run in runs] == [("route", "done"), ("begin_wrap_up", "done")]
    data = (await talk(bench, key))["data"]
    assert (data["action"], data["event"]) == ("route", "transition_hook")


async def test_the_health_of_the_queue_knows_the_programs(bench):
    await texted(bench, "one")
    await texted(bench, "two")
    await texted(bench, "TEEN three")
    told = (await bench.request("GET", "/api/queue/health")).json()
    shown = [(line["programId"], line["depth"], line["alertThreshold"]) for line in told["programs"]]
    assert (shown, told["alerts"]) == ([("p-1", 2, 1), ("p-2", 1, 10)], 1)


async def test_an_id_that_is_taken_is_409_and_begins_nothing(bench):
    await texted(bench, "one", id="a")
    again = await bench.request("POST", "/api/hooks/aws", body={"id": "a", "body": "two"})
    assert again.status == 409
    assert [row["id"] for row in (await bench.request("GET", "/api/conversations")).json()] == ["conv-a"]


async def test_other_collections_stay_as_they_are(bench):
    made = await bench.request("POST", "/api/orders", body={"body": "I want to die"})
    assert made.json()["data"] == {"body": "I want to die"}
