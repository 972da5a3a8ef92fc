"""The components of conversations: what they answer, what they remember, and what they refuse by its place."""

import uuid

import pytest

import apps.modules.catalog
from apps.engine.component import Contract
from apps.engine.module import Effect
from apps.engine.outcome import Rejected
from apps.engine.registry import discover
from tests.unit.modules.unit_in_memory import MemoryUnit

pytestmark = pytest.mark.spec("CAT-B1.3", "dynamic.component")

COMPONENTS = discover(apps.modules.catalog).components
STEP = uuid.UUID("00000000-0000-5000-8000-000000000007")
NAMED = (
    "keyword_matcher", "conversation_router", "message_processor", "survey_engine", "ai_summarizer",
    "escalation_handler", "risk_tagger", "data_retention", "followup_scheduler", "notification_sender",
    "pii_encryptor", "webchat_handler", "twilio_provider", "aws_provider", "partner_provider",
    "inventory_checker", "payment_processor", "shipping_service",
)  # fmt: skip


async def call(stem, unit, chance=None, step=STEP, **params):
    unit.clock.chances = [] if chance is None else [chance]
    component = COMPONENTS[stem]
    found = component.start(params, unit.context(step_id=step))
    return await found if component.is_async else found


async def refused(stem, unit, **params):
    with pytest.raises(Rejected) as refusal:
        await call(stem, unit, **params)
    assert refusal.value.status == 422
    return [error["pointer"] for error in refusal.value.errors]


def test_every_component_of_the_example_documents_ships_with_a_contract():
    assert set(COMPONENTS) == set(NAMED)
    for component in COMPONENTS.values():
        assert isinstance(component.contract, Contract)
        assert component.contract.outputs
        assert component.effect is Effect.PURE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("hello there", {"matched": True, "keyword": "HELLO", "programId": "prog-001", "action": "route"}),
        ("Teen!", {"programId": "prog-002", "subProgram": "teen-support"}),
        ("  crisis", {"action": "route_priority", "subProgram": "crisis-immediate"}),
        ("banana", {"matched": False, "keyword": "BANANA"}),
        ("...", {"matched": False, "keyword": ""}),
    ],
)
async def test_the_first_word_of_a_text_asks_for_a_program(body, expected, unit):
    assert expected.items() <= (await call("keyword_matcher", unit, body=body)).items()


async def test_a_sender_is_led_back_to_the_conversation_it_has(unit):
    first = await call("conversation_router", unit, **{"from": "+1", "body": "TEEN please"})
    assert (first["isNew"], first["queuePosition"], first["status"]) == (True, 1, "queued")
    assert (first["programId"], first["programName"], first["affiliateId"]) == ("prog-002", "Teen Support", "aff-001")
    again = await call("conversation_router", unit, From="+1", body="hello")
    assert (again["conversationId"], again["programId"]) == (first["conversationId"], "prog-002")
    assert (again["isNew"], again["status"]) == (False, "active")
    other = await call("conversation_router", unit, **{"from": "+2", "shortCode": 741742})
    assert (other["programId"], other["queuePosition"]) == ("prog-002", 2)


async def test_senders_of_one_unit_of_work_are_not_those_of_another(unit):
    await call("conversation_router", unit, **{"from": "+1"})
    assert (await call("conversation_router", MemoryUnit(), **{"from": "+1"}))["isNew"] is True


async def test_a_responder_takes_a_conversation_by_its_id(unit):
    taken = await call("conversation_router", unit, responderId="r-1", id="c-9", provider="aws")
    assert (taken["conversationId"], taken["status"], taken["programId"]) == ("c-9", "active", "prog-003")
    assert await refused("conversation_router", unit, responderId="r-1") == ["/from"]


@pytest.mark.parametrize(
    ("chance", "params", "expected"),
    [
        (None, {}, {"event": "system.event"}),
        (None, {"direction": "inbound", "from": "+1", "content": "x"}, {"encryptedFields": ["content", "from"]}),
        (0.94, {"direction": "outbound", "to": "+1", "content": "x"}, {"status": "sent"}),
        (0.95, {"direction": "outbound", "to": "+1", "content": "x"}, {"status": "delivery_pending"}),
        (
            None,
            {"direction": "outbound", "to": "+1", "content": "x", "simulate": "pending"},
            {"event": "message.pending"},
        ),
    ],
)
async def test_a_message_is_taken_in_or_sent(chance, params, expected, unit):
    assert expected.items() <= (await call("message_processor", unit, chance, **params)).items()


async def test_a_survey_is_pending_until_it_is_answered(unit):
    asked = await call("survey_engine", unit, action="get_survey", surveyId="exit")
    assert [question["id"] for question in asked["questions"]] == ["helped", "again"]
    found = await call("survey_engine", unit, action="check_pending", conversationId="c")
    assert (found["pending"], found["hasPending"]) == (["entry", "exit"], True)
    answers = {"action": "submit", "conversationId": "c", "responses": {"feeling": 3}}
    kept = await call("survey_engine", unit, surveyId="entry", **answers)
    assert (kept["responseId"], kept["answerCount"], kept["submitted"]) == (f"resp-{STEP}", 1, True)
    assert (await call("survey_engine", unit, action="check_pending", conversationId="c"))["pending"] == ["exit"]
    found = await call("survey_engine", unit, action="check_pending", conversationId="c", surveyId="entry")
    assert (found["pending"], found["hasPending"]) == ([], False)
    assert (await call("survey_engine", unit))["event"] == "transition_hook"


@pytest.mark.spec("CAT-B1")
@pytest.mark.parametrize(
    ("survey", "kind", "questions"),
    [
        ("survey-001", "entry", "scale text"),
        ("survey-002", "exit", "scale choice text"),
        ("survey-003", "entry", "scale text"),
        ("survey-004", "exit", "scale choice"),
        ("survey-005", "exit", "scale text"),
    ],
)
async def test_the_surveys_of_the_programs_are_known_by_their_ids(survey, kind, questions, unit):
    found = await call("survey_engine", unit, action="get_survey", surveyId=survey)
    assert (found["survey"]["id"], found["survey"]["type"]) == (survey, kind)
    assert [question["type"] for question in found["questions"]] == questions.split()
    assert [question["id"] for question in found["questions"]] == ["q1", "q2", "q3"][: len(questions.split())]
    answers = [{"id": "q1", "value": 4}, {"id": "q2", "value": "fine"}]
    kept = await call("survey_engine", unit, action="submit", surveyId=survey, conversationId="c", responses=answers)
    assert kept["answerCount"] == 2
    found = await call("survey_engine", unit, action="check_pending", surveyId=survey, conversationId="c")
    assert found["hasPending"] is False


async def test_a_conversation_is_summed_up_by_what_it_says(unit):
    said = [{"body": "I am so scared, my dad is drinking"}, {"content": "I want to die"}, "school is bad too"]
    found = await call("ai_summarizer", unit, messages=said)
    assert found["keyTopics"] == ["family", "school"]
    assert (found["riskLevel"], found["sentiment"], found["messageCount"]) == ("high", "negative", 3)
    assert found["suggestedTags"] == ["substance-abuse", "suicidal-ideation", "family", "school"]
    assert (await call("ai_summarizer", unit))["summary"] == "There are no messages yet."
    assert (await call("ai_summarizer", unit, messages=["thank you, that helped"]))["sentiment"] == "positive"


@pytest.mark.parametrize(
    ("params", "status"),
    [({}, "processed"), ({"type": "medical"}, "contacted"), ({"type": "police"}, "pending_location"),
     ({"type": "police", "location": "Main St 1"}, "dispatched")],
)  # fmt: skip
async def test_the_police_are_sent_only_where_somebody_is(params, status, unit):
    found = await call("escalation_handler", unit, **params)
    assert found["status"] == status
    assert found.get("urgency", "standard") == "standard"


@pytest.mark.parametrize(
    ("text", "level", "tags"),
    [
        ("nothing much", "low", []),
        ("this is my final exam, finally", "low", []),
        ("he hits me", "medium", ["domestic-violence"]),
        ("I keep cutting myself", "high", ["self-harm"]),
        ("I am going to do it tonight", "critical", ["crisis-immediate"]),
    ],
)
async def test_a_risk_is_told_by_whole_words(text, level, tags, unit):
    found = await call("risk_tagger", unit, messages=[{"body": text}])
    assert (found["riskLevel"], found["tags"]) == (level, tags)
    assert [alert["category"] for alert in found["alerts"]] == (tags if level in ("high", "critical") else [])


async def test_a_risk_that_was_seen_is_never_lowered(unit):
    found = await call("risk_tagger", unit, messages=["all is well"], currentTags=["self-harm", "vip"])
    assert (found["riskLevel"], found["tags"], found["alerts"]) == ("high", ["self-harm", "vip"], [])


async def test_records_older_than_allowed_are_named(unit):
    records = [{"id": "new", "createdAt": "2026-02-28"}, {"id": "old", "createdAt": "2024-01-01T00:00:00+00:00"},
               {"id": "dateless"}]  # fmt: skip
    assert (await call("data_retention", unit, action="enforce", records=records))["expiredIds"] == ["old"]
    assert (await call("data_retention", unit, action="check", retentionDays=500))["expired"] == 1
    report = await call("data_retention", unit, action="report", records=records)
    assert report["ages"] == {"new": 1, "old": 790, "dateless": None}
    assert (await call("data_retention", unit))["status"] == "recorded"


async def test_a_follow_up_is_due_after_its_time_until_it_is_completed(unit):
    planned = await call("followup_scheduler", unit, action="schedule", conversationId="c")
    assert planned["scheduledFor"].startswith("2026-03-02T12:00")
    assert (await call("followup_scheduler", unit, action="check_due"))["count"] == 0
    unit.clock.pass_seconds(86_400)
    due = await call("followup_scheduler", unit, action="check_due")
    assert [each["conversationId"] for each in due["due"]] == ["c"]
    await call("followup_scheduler", unit, action="complete", followupId=planned["followupId"])
    assert (await call("followup_scheduler", unit, action="check_due"))["count"] == 0
    assert await refused("followup_scheduler", unit, action="complete", followupId="none") == ["/followupId"]
    assert await refused("followup_scheduler", unit, action="schedule", conversationId="c", delayHours=1e300) == [
        "/delayHours"
    ]


@pytest.mark.parametrize(
    ("kind", "priority"),
    [("queue_alert", "high"), ("escalation", "critical"), ("transfer", "normal"), ("followup_reminder", "normal")],
)
async def test_a_notification_to_the_staff_has_the_priority_of_its_type(kind, priority, unit):
    found = await call("notification_sender", unit, type=kind)
    assert (found["priority"], found["template"], found["status"]) == (priority, kind, "delivered")


async def test_what_is_encrypted_is_read_again_with_the_same_key_only(unit):
    data = {"name": "Ada", "note": "private", "age": 7, "empty": ""}
    sealed = await call(
        "pii_encryptor", unit, action="encrypt", key="k", data=data, fields=["name", "age", "empty", "no"]
    )
    assert sealed["fields"] == ["name"]
    assert sealed["data"]["name"] != "Ada"
    assert {name: sealed["data"][name] for name in ("note", "age", "empty")} == {
        "note": "private",
        "age": 7,
        "empty": "",
    }
    opened = await call("pii_encryptor", unit, action="decrypt", key="k", data=sealed["data"], fields=["name"])
    assert opened["data"] == data
    assert await refused(
        "pii_encryptor", unit, action="decrypt", key="other", data=sealed["data"], fields=["name"]
    ) == ["/data/name"]
    assert await refused("pii_encryptor", unit, action="decrypt", key="k", data={"a": "no base64"}) == ["/data/a"]


async def test_a_visitor_polls_what_was_left_for_the_session_once(unit):
    came = await call("webchat_handler", unit, action="receive", content="hi")
    session = came["sessionId"]
    assert len(session) >= 32
    assert session != (await call("webchat_handler", unit, action="receive", content="hi"))["sessionId"]
    await call("webchat_handler", unit, action="send", sessionId=session, content="welcome")
    polled = await call("webchat_handler", unit, action="poll", sessionId=session)
    assert [message["content"] for message in polled["messages"]] == ["welcome"]
    assert (await call("webchat_handler", unit, action="poll", sessionId=session))["count"] == 0
    assert await refused("webchat_handler", unit, action="poll", sessionId="guessed") == ["/sessionId"]


@pytest.mark.parametrize(
    ("stem", "posted"),
    [
        ("twilio_provider", {"From": "+1", "To": "+2", "Body": "hi", "MessageSid": "m"}),
        (
            "aws_provider",
            {"originationNumber": "+1", "destinationNumber": "+2", "messageBody": "hi", "inboundMessageId": "m"},
        ),
        ("partner_provider", {"sender": "+1", "recipient": "+2", "message": "hi", "externalId": "m"}),
    ],
)
async def test_what_a_carrier_posts_is_read_into_one_form(stem, posted, unit):
    found = await call(stem, unit, action="receive", **posted)
    assert {name: found[name] for name in ("from", "to", "body", "messageId")} == {
        "from": "+1",
        "to": "+2",
        "body": "hi",
        "messageId": "m",
    }
    assert found["provider"] == stem.removesuffix("_provider")
    sent = await call(stem, unit, action="send", to="+1", body="hello")
    assert (sent["status"], sent["messageId"]) == ("queued", f"{sent['provider']}-{STEP}")
    assert await refused(stem, unit, action="send") == ["/to", "/body"]


@pytest.mark.parametrize(
    ("stem", "params", "pointer"),
    [
        ("keyword_matcher", {}, "/body"),
        ("message_processor", {"direction": "sideways"}, "/direction"),
        ("survey_engine", {"action": "burn"}, "/action"),
        ("survey_engine", {"action": "get_survey", "surveyId": "none"}, "/surveyId"),
        ("survey_engine", {"action": "get_survey"}, "/surveyId"),
        (
            "survey_engine",
            {"action": "submit", "surveyId": "exit", "conversationId": "c", "responses": "all fine"},
            "/responses",
        ),
        ("escalation_handler", {"type": "army"}, "/type"),
        ("risk_tagger", {}, "/messages"),
        ("data_retention", {"action": "burn"}, "/action"),
        ("followup_scheduler", {"action": "burn"}, "/action"),
        ("notification_sender", {"type": "gossip"}, "/type"),
        ("pii_encryptor", {"action": "hide", "key": "k", "data": {}}, "/action"),
        ("webchat_handler", {}, "/action"),
        ("webchat_handler", {"action": "burn"}, "/action"),
        ("twilio_provider", {"action": "burn"}, "/action"),
    ],
)
async def test_a_word_that_a_component_does_not_know_is_refused_by_its_place(stem, params, pointer, unit):
    assert await refused(stem, unit, **params) == [pointer]


async def test_a_second_try_of_the_same_step_names_the_same_thing(unit):
    for stem, params in (
        ("escalation_handler", {"type": "medical"}),
        ("twilio_provider", {"action": "send", "to": "1", "body": "b"}),
    ):
        assert await call(stem, unit, **params) == await call(stem, unit, **params)


@pytest.mark.parametrize(
    ("stem", "said"),
    [
        ("survey_engine", {"action": "route"}),
        ("followup_scheduler", {"action": "route"}),
        ("data_retention", {"action": "route"}),
        ("notification_sender", {"type": "police"}),
        ("escalation_handler", {"type": "system"}),
        ("message_processor", {"direction": "sideways"}),
    ],
)
async def test_a_transition_passes_on_words_that_were_said_to_others(stem, said):
    assert await call(stem, MemoryUnit(), transitionId="begin_wrap_up", **said)
    assert await refused(stem, MemoryUnit(), **said) == [f"/{next(iter(said))}"]
