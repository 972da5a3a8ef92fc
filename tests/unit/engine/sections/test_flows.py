"""Flows: a message goes over branches and dependencies, and a request is answered by the last node."""

import pytest

from apps.engine.check import check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.flows import DEEPEST
from apps.engine.graph import graph
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("conditional.ifelse", "conditional.switch", "CAT-B2.7")

PARTS = """
modules:
- {name: server, type: http.server, config: {port: 8080}}
- {name: router, type: http.router, config: {prefix: /shop}}
- {name: broker, type: messaging.broker}
"""
ROUTE = "workflows: {http: {routes: [{method: POST, path: /run, handler: %s}]}}"


def document(modules, sections="workflows: {}"):
    found = load(PARTS + modules + "\n" + sections)
    assert found.findings == ()
    return found.document


def told(modules, sections="workflows: {}"):
    return [(found.code, found.path) for found in check(document(modules, sections), registry())]


def bench(modules, sections):
    return Bench(compile_document(document(modules, sections), registry()))


async def answers(modules, sections, *bodies, path="/run"):
    async with bench(modules, sections) as found:
        replies = [await found.request("POST", path, body=body) for body in bodies]
        await found.settle()
        return [(reply.status, reply.json()) for reply in replies], found.host.queue.runs("local")


CHAIN = """
- {name: start, type: http.handler, config: {status: 202}}
- {name: big, type: conditional.ifelse, config: {expression: 'n > 10', false_target: small}, dependsOn: [start],
   branches: {"true": slim}}
- {name: slim, type: data.transformer, config: {pipelines: {p: [{type: map, config: {mappings: {n: many}}}]}}}
- {name: note, type: messaging.handler, dependsOn: [slim]}
- {name: thin, type: data.transformer, dependsOn: [slim],
   config: {pipelines: {p: [{type: extract, config: {path: many}}]}}}
- {name: small, type: http.handler, config: {status: 207, body: {said: few}}}
"""


async def test_a_message_passes_to_the_chosen_branch_and_from_there_to_every_dependant():
    found, runs = await answers(CHAIN, ROUTE % "start", {"n": 20}, {"n": 3})
    assert found == [(200, 20), (207, {"said": "few"})]
    names = [[step["name"] for step in run["steps"]] for run in runs]
    assert sorted(names) == [["start", "big", "slim", "note", "slim.again", "thin"], ["start", "big", "small"]]


async def test_without_a_branch_to_go_to_the_handler_before_has_answered():
    modules = CHAIN.replace(", false_target: small", "")
    found, _ = await answers(modules, ROUTE % "start", {"n": 1})
    assert (found[0][0], found[0][1]["handler"]) == (202, "start")


async def test_a_branch_node_may_be_the_handler_itself():
    found, _ = await answers(CHAIN, ROUTE % "big", {"n": 1}, {})
    assert [status for status, _ in found] == [207, 207]


async def test_a_handler_that_keeps_something_answers_first_and_passes_its_answer_on():
    modules = """
- {name: orders, type: api.handler, config: {resourceName: orders}}
- {name: is-large, type: conditional.ifelse, config: {expression: data.data.total > 9}, dependsOn: [orders],
   branches: {"true": call}}
- {name: call, type: http.handler, config: {status: 202, body: {call: us}}}
"""
    found, _ = await answers(modules, ROUTE % "orders", {"total": 10}, {"total": 1}, [])
    assert found[0] == (202, {"call": "us"})
    assert (found[1][0], found[1][1]["data"]) == (201, {"total": 1})
    assert found[2][0] == 400


@pytest.mark.parametrize("path", ["/take", "/shop/take"])
async def test_a_handler_with_a_path_that_begins_a_flow_has_its_route_without_a_section(path):
    modules = CHAIN.replace("config: {status: 202}", "config: {path: /take}, dependsOn: [router]")
    found, _ = await answers(modules, "", {"n": 1}, path=path)
    assert found == [(207, {"said": "few"})]
    assert told(modules) == []


def test_a_path_that_a_section_overrules_is_still_told_as_ignored():
    modules = CHAIN.replace("config: {status: 202}", "config: {path: /take}")
    assert told(modules, ROUTE % "start") == [
        ("key.ignored", "modules[1].config.prefix"),
        ("key.ignored", "modules[3].config.path"),
    ]


async def test_a_subscription_runs_the_flow_and_producers_pass_on_what_goes_through():
    sections = """
workflows:
  messaging:
    subscriptions: [{topic: in, handler: big}, {topic: out, handler: done}]
    producers: [{name: slim, forwardTo: [out]}]
"""
    modules = CHAIN + "- {name: done, type: messaging.handler}\n"
    async with bench(modules, sections) as found:
        async with found.host.unit() as unit:
            unit.broker.publish("in", {"n": 20})
        await found.settle()
        runs = {run["workflow"]: run for run in found.host.queue.runs("local")}
    assert runs["done"]["input"] == {"many": 20}
    assert runs["big"]["steps"][-1]["output"] == 20


@pytest.mark.spec("webhook.sender")
@pytest.mark.parametrize(("status", "handler"), [(200, "taken"), (201, "made")])
async def test_a_branch_behind_a_webhook_goes_by_the_status_code_of_its_response(status, handler):
    modules = """
- {name: first, type: conditional.ifelse, config: {expression: "order.total > 0"}, branches: {"true": hook}}
- {name: hook, type: webhook.sender, config: {url: "https://partner.test/hook"}}
- name: by-code
  type: conditional.switch
  config: {expression: response.statusCode, cases: ["200", "201"]}
  dependsOn: [hook]
  branches: {case-0: taken, case-1: made}
- {name: taken, type: messaging.handler}
- {name: made, type: messaging.handler}
"""
    section = "workflows: {messaging: {subscriptions: [{topic: a, handler: first}]}}"
    async with bench(modules, section) as found:
        found.http.answer(status)
        async with found.host.unit() as unit:
            unit.broker.publish("a", {"total": 1})
        await found.settle()
        (run,) = found.host.queue.runs("local")
        assert run["status"] == "done", run["error"]
        passed = {step["name"] for step in run["steps"]}
        assert [each for each in ("taken", "made") if f"handle/{each}" in passed] == [handler]


@pytest.mark.spec("webhook.sender")
@pytest.mark.parametrize(
    ("status", "expression", "expected"),
    [
        (404, "response.statusCode == 404", "done"),
        (503, "statusCode >= 500 && response.error != null", "done"),
        (404, "order.total > 0", "failed"),
    ],
)
async def test_a_refusal_is_an_answer_where_a_branch_judges_answers_and_else_ends_the_run(status, expression, expected):
    modules = f"""
- {{name: first, type: conditional.ifelse, config: {{expression: "order.total > 0"}}, branches: {{"true": hook}}}}
- {{name: hook, type: webhook.sender, config: {{url: "https://partner.test/hook", maxRetries: 0}}}}
- {{name: judge, type: conditional.ifelse, config: {{expression: "{expression}"}}, dependsOn: [hook],
   branches: {{"true": refused, "false": taken}}}}
- {{name: refused, type: messaging.handler}}
- {{name: taken, type: messaging.handler}}
"""
    section = "workflows: {messaging: {subscriptions: [{topic: a, handler: first}]}}"
    async with bench(modules, section) as found:
        found.http.answer(status)
        async with found.host.unit() as unit:
            unit.broker.publish("a", {"total": 1})
        await found.settle()
        (run,) = found.host.queue.runs("local")
    assert run["status"] == expected
    passed = {step["name"] for step in run["steps"]}
    assert ("handle/refused" in passed, "handle/taken" in passed) == (expected == "done", False)


async def test_a_flow_can_be_started_by_the_name_of_its_beginning():
    application = compile_document(document(CHAIN), registry())
    run = application.resolve("start", "", {"n": 1})
    assert (run.entry, run.section) == ("flow:start", "flow")
    assert application.program(run.entry) is not None


def test_a_step_of_a_pipeline_may_use_a_branch_node():
    sections = "workflows: {pipelines: {p: {steps: [{uses: big}]}}}"
    assert compile_document(document(CHAIN, sections), registry()).program("pipeline:p").is_pure


def test_work_with_effects_behind_a_branch_is_work_with_effects():
    modules = CHAIN.replace(
        "- {name: note, type: messaging.handler,",
        "- {name: note, type: webhook.sender, config: {url: 'https://a.example'},",
    )
    sections = "workflows: {http: {record: none, routes: [{method: POST, path: /run, handler: start}]}}"
    assert ("record.not_pure", "workflows.http.routes[0].handler") in told(modules, sections)
    assert "record.not_pure" not in [code for code, _ in told(CHAIN, sections)]


def test_faults_of_branches_are_told_where_they_stand():
    modules = """
- {name: a, type: conditional.ifelse, config: {expression: 'stock.left(x)', true_target: nobody}, branches: {maybe: b}}
- {name: b, type: conditional.switch, config: {expression: x, cases: [1]}, branches: {case-1: a, case-0: server}}
- {name: c, type: conditional.expression, config: {expression: x}, branches: {result: d}}
- {name: d, type: data.transformer}
- {name: e, type: conditional.ifelse, config: {expression: x}, dependsOn: [d], branches: {"true": c}}
"""
    assert told(modules) == [
        ("key.ignored", "modules[1].config.prefix"),
        ("expression.invalid", "modules[3].config.expression"),
        ("reference.unknown", "modules[3].config.true_target"),
        ("branch.unknown", "modules[3].branches.maybe"),
        ("branch.unknown", "modules[4].branches.case-1"),
        ("flow.cycle", "modules[4].branches.case-1"),
        ("reference.unsuitable", "modules[4].branches.case-0"),
        ("flow.cycle", "modules[7].branches.true"),
    ]


def test_a_document_whose_branches_multiply_is_refused():
    node = "- {name: %s, type: conditional.ifelse, config: {expression: x}, branches: {'true': %s, 'false': %s}}\n"
    diamonds = "".join(
        node % (f"n{i}", f"m{i}", f"n{i + 1}") + node % (f"m{i}", f"n{i + 1}", f"n{i + 1}") for i in range(30)
    )
    modules = diamonds + "- {name: n30, type: data.transformer}\n"
    with pytest.raises(DocumentRefused) as refused:
        compile_document(document(modules), registry())
    assert [found.path for found in refused.value.findings] == ["modules[3]"]


def test_a_line_of_nodes_may_be_so_long_and_no_longer():
    def line(count):
        nodes = [
            f"- {{name: n{i}, type: conditional.ifelse, config: {{expression: x}}, branches: {{'true': n{i + 1}}}}}"
            for i in range(count)
        ]
        return "\n".join([*nodes, f"- {{name: n{count}, type: data.transformer}}"])

    assert [code for code, _ in told(line(DEEPEST - 1))] == ["key.ignored"]
    assert [code for code, _ in told(line(DEEPEST))] == ["key.ignored", "flow.too_deep"]
    assert compile_document(document(line(DEEPEST - 1)), registry()).program("flow:n0") is not None


def test_branches_are_drawn():
    found = document(CHAIN)
    edges = [
        (edge["from"], edge["to"], edge["label"])
        for edge in graph(found, registry())["edges"]
        if edge["kind"] == "conditional"
    ]
    assert edges == [("big", "slim", "true"), ("big", "small", "false")]
