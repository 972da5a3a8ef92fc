"""`onCreate` and `onAppend`: targets that complete an object in the transaction of its request."""

import pytest

from apps.engine.check import check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.graph import graph
from apps.engine.local.host import LOCAL
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B1.5", "CAT-B2", "api.handler")

DOCUMENT = """
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: bus, type: messaging.broker}
  - {name: archive, type: persistence.store, config: {shared: true}}
  - {name: hears, type: messaging.handler, config: {topic: seen}}
  - {name: partner, type: webhook.sender, config: {url: "https://partner.example"}}
  - {name: later, type: processing.step, config: {componentId: tidy}}
  - {name: tags, type: dynamic.component, config: {componentId: risk_tagger}}
  - name: cases
    type: api.handler
    config: {resourceName: cases, HOOKS}
workflows:
  http:
    routes:
      - {method: POST, path: /cases, handler: cases}
      - {method: GET, path: "/cases/{id}", handler: cases}
      - {method: POST, path: "/cases/{id}/messages", handler: cases}
      - {method: POST, path: "/cases/{id}/tag", handler: cases}
  messaging:
    subscriptions:
      - {topic: seen, handler: hears}
  pipelines:
    tidy: {steps: [{set: {name: "${upper(data.name)}", seen: "${id} ${state}"}}]}
    rename: {steps: [{set: {id: other, state: gone, message: none, password: told}}]}
    tell: {steps: [{emit: seen, payload: {id: "${data.id}"}}]}
    save: {steps: [{uses: archive, with: {type: copies, id: "${data.id}"}}]}
    call: {steps: [{uses: partner}]}
    deep: {steps: [{if: "true", then: [{uses: call}]}]}
    refuse:
      steps:
        - {uses: archive, with: {type: copies, id: "${data.id}"}}
        - {if: "data.name == 'nobody'", then: [{respond: {status: 409, body: {}}}]}
    strict: {input: {type: object, required: [name], properties: {name: {type: string}}}, steps: [{set: {ok: true}}]}
    word: {steps: [{respond: {body: a word}}]}
    last: {steps: [{set: {last: "${data.message.body}", count: "${messages.length}"}}]}
"""


def document(hooks):
    return load(DOCUMENT.replace("HOOKS", hooks)).document


def bench(hooks):
    return Bench(compile_document(document(hooks), registry()))


def findings(hooks):
    return [(each.code, each.path) for each in check(document(hooks), registry())]


async def create(found, body=None):
    answer = await found.request("POST", "/cases", body={"id": "c1", "name": "ann"} | (body or {}))
    return answer.status, answer.json()


async def test_a_pipeline_completes_a_new_object_before_it_is_stored():
    async with bench("onCreate: tidy") as found:
        status, made = await create(found)
        assert (status, made["data"]["name"], made["data"]["seen"]) == (201, "ANN", "c1 new")
        assert (await found.request("GET", "/cases/c1")).json()["data"] == made["data"]


async def test_what_is_not_a_hooks_to_change_stays():
    async with bench("onCreate: rename") as found:
        _, made = await create(found)
        assert (made["id"], made["state"], made["data"]) == ("c1", "new", {"id": "c1", "name": "ann"})


@pytest.mark.parametrize("name", ["risk_tagger", "tags"])
async def test_a_component_and_a_module_of_it_are_called_with_the_object_after_every_message(name):
    async with bench(f"onAppend: {name}") as found:
        await create(found)
        assert (await found.request("POST", "/cases/c1/messages", body={"body": "I want to die"})).status == 201
        assert (await found.request("GET", "/cases/c1")).json()["data"]["riskLevel"] != "low"


async def test_an_added_message_is_seen_beside_the_object_and_not_stored_twice():
    async with bench("onAppend: last") as found:
        await create(found)
        for text in ("one", "two"):
            await found.request("POST", "/cases/c1/messages", body={"body": text})
        data = (await found.request("GET", "/cases/c1")).json()["data"]
        assert (data["last"], data["count"], len(data["messages"])) == ("two", 2, 2)
        assert "message" not in data


async def test_a_tag_is_no_message():
    async with bench("onAppend: last") as found:
        await create(found)
        assert (await found.request("POST", "/cases/c1/tag", body={"tag": "late"})).status == 200


async def test_what_a_hook_writes_is_kept_with_the_object_and_its_messages_are_delivered():
    async with bench("onCreate: tell") as found:
        await create(found)
        await found.settle()
        assert [message["payload"] for message in found.host.queue.messages(LOCAL, "seen")] == [{"id": "c1"}]


async def test_a_hook_that_answers_400_or_more_refuses_the_request_and_nothing_is_kept():
    async with bench("onCreate: refuse") as found:
        status, told = await create(found, {"name": "nobody"})
        assert (status, told["code"], told["step"]) == (409, "hook.refused", "onCreate refuse")
        assert (await found.request("GET", "/cases/c1")).status == 404
        assert (await create(found, {"name": "ann"}))[0] == 201


async def test_a_failing_hook_says_its_place_and_the_place_in_the_input():
    async with bench("onCreate: strict") as found:
        status, told = await create(found, {"name": 5})
        assert (status, told["errors"][0]["pointer"]) == (422, "/name")
        assert told["step"].startswith("onCreate strict")


async def test_a_message_that_its_hook_refuses_is_not_added():
    async with bench("onAppend: tidy") as found:
        await found.request("POST", "/cases", body={"id": "c1"})
        answer = await found.request("POST", "/cases/c1/messages", body={"body": "hello"})
        assert (answer.status, answer.json()["step"][:13]) == (422, "onAppend tidy")
        assert "messages" not in (await found.request("GET", "/cases/c1")).json()["data"]


async def test_a_result_that_is_no_object_is_refused():
    async with bench("onCreate: word") as found:
        assert (await create(found))[1]["code"] == "hook.result"


@pytest.mark.parametrize("name", ["partner", "call", "deep"])
def test_what_acts_outside_cannot_be_called_in_a_request(name):
    assert findings(f"onCreate: {name}") == [("hook.outside", "modules[8].config.onCreate")]


@pytest.mark.parametrize(
    ("name", "code"),
    [("nobody", "reference.unknown"), ("later", "reference.unsuitable"), ("router", "reference.unsuitable")],
)
def test_what_is_nothing_or_cannot_be_called_is_located(name, code):
    assert findings(f"onAppend: {name}") == [(code, "modules[8].config.onAppend")]


@pytest.mark.parametrize("name", ["tidy", "save", "tell", "archive", "inventory_checker"])
def test_what_computes_or_writes_may_be_called(name):
    assert findings(f"onCreate: {name}") == []


def test_hooks_are_drawn():
    edges = graph(document("onCreate: tidy, onAppend: tags"), registry())["edges"]
    drawn = {(edge["to"], edge["kind"], edge["label"]) for edge in edges if edge["from"] == "cases"}
    assert {("pipeline:tidy", "uses", "onCreate"), ("tags", "uses", "onAppend")} <= drawn
