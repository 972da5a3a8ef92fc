"""Hooks for whose handler `messaging.producers` name topics: when they run, and that nothing of them is lost."""

import pytest

from apps.engine.check import check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.outcome import Rejected
from apps.modules.queries import registry
from tests.unit.engine.machines import MACHINE, Shop, document

pytestmark = pytest.mark.spec("CAT-B2.3", "CAT-B2.2")

PRODUCERS = "  messaging:\n    subscriptions: []\n    producers: [{name: guard, forwardTo: [seen, seen-errors]}]\n"
PIPELINES = "  pipelines:\n    guard:\n      steps:\n      - set: {amount: '${data.amount}'}\n"


def messages(shop):
    return [(each["topic"], each["payload"]) for each in shop.bench.host.queue.messages("local")]


async def test_a_pipeline_that_forwards_runs_after_the_commit_and_passes_on_what_it_made():
    async with Shop(document("    - {handler: guard}", sections=PRODUCERS + PIPELINES)) as shop:
        await shop.apply("7", "check", {"amount": 3})
        assert messages(shop) == []
        await shop.bench.settle()
        ((topic, payload),) = messages(shop)
        assert (topic, payload["amount"]) == ("seen", 3)
        assert [(run["entry"], run["status"]) for run in shop.runs()] == [("step:order:0", "done")]


async def test_its_failure_is_told_to_the_topics_for_errors_and_stops_nothing():
    pipelines = "  pipelines:\n    guard:\n      steps:\n      - validate: {schema: {required: [amount]}}\n"
    async with Shop(document("    - {handler: guard}", sections=PRODUCERS + pipelines)) as shop:
        assert (await shop.apply("7", "check")).to_state == "checking"
        await shop.bench.settle()
        ((topic, payload),) = messages(shop)
        assert (topic, payload["transitionId"], bool(payload["error"])) == ("seen-errors", "check", True)


async def test_a_hook_that_only_uses_what_forwards_elsewhere_may_veto():
    sections = PRODUCERS.replace("guard", "refusing") + (
        "  pipelines:\n    outer:\n      steps:\n      - {uses: refusing, with: {refuse: true}}\n"
    )
    async with Shop(document("    - {handler: outer}", sections=sections)) as shop:
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "check")
        assert refusal.value.code == "transition.vetoed"


HEAD = """
modules:
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
- {name: inbox, type: messaging.handler}
- {name: shaper, type: data.transformer}
- {name: sender, type: webhook.sender, config: {url: "https://far.example"}}
workflows:
  pipelines:
    plain: {steps: [{set: {a: 1}}]}
    shaped: {steps: [{uses: shaper}]}
    telling: {steps: [{emit: told}]}
"""


@pytest.mark.parametrize(
    ("handler", "producers", "waits"),
    [
        ("plain", "", False),
        ("plain", "{name: plain, forwardTo: [x]}", True),
        ("plain", "{name: plain, topic: x}", True),
        ("plain", "{name: plain, topic: heard}", False),
        ("plain", "{name: plain, topic: heard, forwardTo: [x]}", True),
        ("plain", "{name: plain, forwardTo: []}", False),
        ("shaper", "{name: shaper, forwardTo: [x-errors]}", True),
        ("shaper", "{name: data.transformer, forwardTo: [x]}", True),
        ("data.transformer", "{name: shaper, forwardTo: [x]}", True),
        ("shaped", "{name: shaper, forwardTo: [x]}", False),
        ("inbox", "", False),
        ("inbox", "{name: inbox, forwardTo: [x]}", True),
        ("telling", "", True),
        ("sender", "", True),
    ],
)
def test_what_check_says_of_a_hook_is_what_is_compiled(handler, producers, waits):
    text = (
        f"{HEAD}  messaging:\n    subscriptions: [{{topic: heard, handler: plain}}]\n    producers: [{producers}]\n"
        f"  statemachine:\n    engine: engine{MACHINE}    hooks: [{{handler: {handler}}}]\n"
    )
    told = [found.code for found in check(load(text).document, registry())]
    application = compile_document(load(text).document, registry())
    (hook,) = application.machines["order"].hooks
    assert ("hook.after_commit" in told, hook.veto is None) == (waits, waits)
    assert ("step:order:0" in application.programs) == waits


@pytest.mark.parametrize("handler", ["shaper", "data.transformer"])
@pytest.mark.parametrize("producer", ["shaper", "data.transformer"])
async def test_a_handler_forwards_under_each_of_its_names(handler, producer):
    modules = "- {name: shaper, type: data.transformer}\n"
    sections = PRODUCERS.replace("guard", producer).replace(
        "subscriptions: []", f"subscriptions: [{{topic: in, handler: {handler}}}]"
    )
    async with Shop(document(modules=modules, sections=sections)) as shop:
        async with shop.bench.host.unit() as unit:
            unit.broker.publish("in", {"n": 1})
        await shop.bench.settle()
        assert [topic for topic, _ in messages(shop)] == ["in", "seen"]
