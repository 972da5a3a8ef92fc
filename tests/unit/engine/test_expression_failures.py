"""What data does to an expression that cannot be evaluated over them: a refusal, the same at every door."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.outcome import Rejected
from apps.engine.ports import NewRun
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.unit.engine.machines import HOOK, MACHINE, Shop, document
from tests.unit.engine.machines import step as processing

pytestmark = pytest.mark.spec("SPINE-B4")

TEXT = """
modules:
- {name: server, type: http.server, config: {address: ':8080'}}
- {name: router, type: http.router}
- {name: engine, type: statemachine.engine}
- {name: orders, type: api.handler, config: {resourceName: orders, workflowType: order, workflowEngine: engine}}
workflows:
  http:
    routes:
    - {method: POST, path: /sum, handler: sum}
    - {method: POST, path: /twice, handler: twice}
    - {method: POST, path: /gate, handler: gate}
    - {method: POST, path: /merged, handler: merged}
    - {method: POST, path: /moved, handler: moved}
    - {method: POST, path: /orders, handler: orders}
    - {method: PUT, path: '/orders/{id}/transition', handler: orders}
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states: {new: {}, fine: {isFinal: true}}
      transitions: {go: {fromState: new, toState: fine, condition: data.okay == true}}
  pipelines:
    sum: {steps: [{name: total, set: {total: '${sum(data.prices.map(p, p * 1.0))}'}}]}
    twice: {steps: [{name: twice, set: {all: '${data.lines.map(l, l + l)}'}}]}
    gate: {steps: [{name: gate, if: data.count}]}
    merged: {steps: [{name: mark, set: {marked: true}}]}
    moved:
      steps: [{name: move, uses: engine, with: {id: '${data.id}', transition: go, data: {a: 1}}}]
"""


@pytest.mark.parametrize(
    ("path", "body", "code", "step", "pointers"),
    [
        ("/sum", {"prices": [1e308] * 3}, "expression.arithmetic", "total", ["/prices"]),
        ("/sum", {}, "expression.unknown_key", "total", ["/prices"]),
        ("/twice", {"lines": ["x" * 1000] * 900}, "expression.too_large", "twice", ["/lines"]),
        ("/twice", {"lines": [1] * 1001}, "expression.too_large", "twice", ["/lines"]),
        ("/twice", {"lines": ["ok", {"a/b": 2**63}]}, "expression.arithmetic", "twice", ["/lines/1/a~1b"]),
        ("/gate", {"count": 3}, "expression.not_boolean", "gate", []),
        ("/merged", [1], "data.not_an_object", "mark", []),
    ],
)
async def test_values_that_an_expression_cannot_take_are_422_with_the_step(path, body, code, step, pointers):
    async with Bench(compile_document(load(TEXT).document, registry())) as bench:
        answer = await bench.request("POST", path, body=body)
        told = answer.json()
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (told["code"], told["step"]) == (code, step)
    assert [error["pointer"] for error in told.get("errors", [])] == pointers


async def test_a_condition_that_cannot_be_evaluated_refuses_the_transition_at_every_door():
    async with Bench(compile_document(load(TEXT).document, registry())) as bench:
        await bench.request("POST", "/orders", body={"id": "a"})
        by_resource = await bench.request("PUT", "/orders/a/transition", body={"transition": "go"})
        by_step = await bench.request("POST", "/moved", body={"id": "a"})
        for answer in (by_resource, by_step):
            assert (answer.status, answer.json()["code"]) == (422, "expression.unknown_key")
            assert answer.json()["errors"][0]["pointer"] == "/okay"
        done = await bench.request("PUT", "/orders/a/transition", body={"transition": "go", "data": {"okay": True}})
        assert done.status == 200


async def test_a_run_fails_with_the_code_that_a_request_is_refused_with():
    async with Shop(document()) as shop:
        await shop.apply("7", "check", {"amount": "much"})
        await shop.apply("7", "passed")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        async with shop.bench.host.unit() as unit:
            unit.runs.start(NewRun("transition:order", {"instanceId": "7", "transition": "pay"}, "statemachine"))
        await shop.bench.settle()
        run = shop.runs()[-1]
    assert (refusal.value.status, refusal.value.code) == (422, "expression.type")
    assert (run["status"], run["error"]["code"]) == ("failed", "expression.type")


async def test_a_condition_that_cannot_be_evaluated_is_no_choice():
    async with Shop(document()) as shop:
        await shop.apply("7", "check", {"amount": "much"})
        await shop.apply("7", "passed")
        assert shop.machine.available(await shop.instance("7")) == []


async def test_a_hook_that_cannot_be_evaluated_refuses_with_the_same_status():
    guard = "  pipelines:\n    guard: {steps: [{if: data.amount > 0}]}\n"
    async with Shop(document("    - {handler: guard, transitions: [check]}", sections=guard)) as shop:
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "check", {"other": 1})
    assert (refusal.value.status, refusal.value.code) == (422, "expression.unknown_key")


async def test_an_answer_that_success_when_cannot_judge_is_compensated():
    judged = processing(success_when="data.never > 1", success_transition="passed", compensate_transition="failed")
    async with Shop(document(HOOK, MACHINE, judged)) as shop:
        await shop.apply("7", "check", {"n": 1})
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "rejected"
        run = shop.runs()[0]
        assert (run["status"], run["error"]["code"]) == ("failed", "expression.unknown_key")
