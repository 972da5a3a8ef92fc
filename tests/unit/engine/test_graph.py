"""The drawing of a document, and the order of modules."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.check import check
from apps.engine.document import load
from apps.engine.graph import graph
from apps.engine.ordering import dependency_order
from tests.unit.engine.checking import registry, with_parts

TEXT = with_parts("""\
- {name: step, type: processing.step, config: {componentId: pipe}}
- {name: store, type: persistence.store, config: {database: db}, dependsOn: [db]}
- {name: db, type: database.workflow}
- {name: gate, type: conditional.ifelse, branches: {"true": inbox, "false": nowhere}}
- {name: events, type: event.processor}
- {name: tick, type: scheduler.cron}
workflows:
  http:
    routes:
    - {method: POST, path: /orders, handler: pipe, middlewares: [log]}
    - {method: GET, path: /orders, handler: writer, middleware: log}
  messaging:
    subscriptions: [{topic: a, handler: inbox}, {topic: b, handler: nobody}]
    producers: [{name: inbox, forwardTo: [c]}]
  statemachine:
    definitions: [{name: orders, initialState: x, states: {x: {}}}, {}]
    hooks:
    - {workflowType: orders, transitions: [pay], fromStates: [x], toStates: [x, y], handler: step}
    - {handler: inbox}
  pipelines:
    pipe: {steps: [{name: tell, uses: sender}, {emit: d}, {validate: {module: inbox}}, {uses: broker.producer}]}
  event:
    processor: events
    adapters: [{broker: broker, topics: [t, u]}]
    handlers: [{patternId: many, handler: inbox}]
  scheduler: {jobs: [{scheduler: tick, job: inbox}]}
triggers:
  http: {routes: [{workflow: orders, action: pay}, {workflow: pipe, action: go}]}
""")


def drawn(text=TEXT):
    document = load(text).document
    return graph(document, registry(), check(document, registry()))


def edges(kind):
    return [(edge["from"], edge["to"], edge["label"]) for edge in drawn()["edges"] if edge["kind"] == kind]


@pytest.mark.spec("SPINE-B8", "SPINE-B8.5")
def test_every_edge_of_the_reference_is_derived():
    assert ("server", "router", "http") in edges("http-route")
    assert ("router", "pipeline:pipe", "POST /orders") in edges("http-route")
    assert ("router", "writer", "GET /orders") in edges("http-route")
    assert edges("middleware") == [("log", "pipeline:pipe", "middleware"), ("log", "writer", "middleware")]
    assert edges("messaging-subscription") == [("broker", "inbox", "topic: a")]
    assert ("inbox", "broker", "topic: c") in edges("messaging-publication")
    assert ("pipeline:pipe", "broker", "topic: d") in edges("messaging-publication")
    assert edges("dependency") == [("db", "store", "")]
    assert edges("conditional") == [("gate", "inbox", "true")]
    assert edges("event") == [("broker", "events", "t, u"), ("events", "inbox", "many")]
    assert edges("schedule") == [("tick", "inbox", "")]
    assert edges("uses") == [
        ("step", "pipeline:pipe", ""),
        ("pipeline:pipe", "sender", "tell"),
        ("pipeline:pipe", "inbox", ""),
        ("pipeline:pipe", "broker", ""),
    ]
    assert ("engine", "machine:orders", "") in edges("statemachine")
    assert ("machine:orders", "step", "pay; from x; to x, y") in edges("statemachine")
    assert ("machine:orders", "inbox", "") in edges("statemachine")
    assert edges("trigger") == [("trigger:http", "machine:orders", "pay"), ("trigger:http", "pipeline:pipe", "go")]


@pytest.mark.spec("SPINE-B8.5")
def test_nodes_say_what_they_are_and_where():
    nodes = {node["id"]: node for node in drawn()["nodes"]}
    assert nodes["server"]["kind"] == "http.server"
    assert (nodes["server"]["category"], nodes["server"]["path"], nodes["server"]["line"]) == ("http", "modules[0]", 2)
    assert nodes["gate"]["category"] == "branching"
    assert nodes["pipeline:pipe"]["path"] == "workflows.pipelines.pipe"
    assert nodes["machine:orders"]["kind"] == "statemachine.definition"
    assert nodes["trigger:http"]["category"] == "trigger"


@pytest.mark.spec("SPINE-B8.5")
def test_findings_are_counted_on_their_nodes():
    nodes = {node["id"]: node for node in drawn()["nodes"]}
    assert nodes["gate"]["severity"] == "blocked"
    assert nodes["gate"]["findings"] == 2
    assert "findings" not in nodes["router"]


def test_a_document_is_drawn_without_findings_and_without_anything():
    assert graph(load("").document, registry()) == {"nodes": [], "edges": []}
    assert graph(load(TEXT).document, registry())["nodes"]


@pytest.mark.spec("D8")
def test_modules_come_behind_what_they_depend_on_and_else_in_file_order():
    order, cycles = dependency_order({"c": ["b"], "a": [], "b": ["d", "nothing"], "d": []})
    assert order == ["d", "b", "c", "a"]
    assert cycles == []


def test_a_circle_is_cut_and_named():
    order, cycles = dependency_order({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["d"]})
    assert sorted(order) == ["a", "b", "c", "d"]
    assert cycles == [["a", "b", "c"], ["d"]]


def test_a_long_chain_does_not_recurse():
    chain = {f"m{n}": [f"m{n + 1}"] for n in range(50_000)}
    started = time.process_time()
    order, cycles = dependency_order(chain)
    assert order[0] == "m49999"
    assert cycles == []
    assert time.process_time() - started < 10


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg"), max_size=4), max_size=6))
def test_the_order_is_complete_and_right_wherever_there_is_no_circle(depends_on):
    order, cycles = dependency_order(depends_on)
    assert sorted(order) == sorted(depends_on)
    if not cycles:
        places = {name: place for place, name in enumerate(order)}
        assert all(places[other] < places[name] for name in order for other in depends_on[name] if other in places)
