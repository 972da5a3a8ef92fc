"""What the checker lets through compiles: no document gets past one and trips over the other."""

import copy
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.check import CheckOptions, check
from apps.engine.checks.secrets import secrets_named
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, Severity
from apps.engine.registry import discover
from apps.engine.secret_values import SecretValues
from apps.modules import catalog

TEXT = """
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router, dependsOn: [server]}
- {name: answer, type: http.handler, config: {status: 200}}
- {name: orders, type: api.handler, config: {resourceName: orders, workflowType: order, workflowEngine: engine}}
- {name: log, type: http.middleware.logging}
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler, config: {topic: a.b}}
- {name: engine, type: statemachine.engine}
- {name: hook, type: webhook.sender, config: {url: "https://example.org/${TOKEN}", headers: {a: b}}}
- {name: step, type: processing.step, config: {componentId: pipe, successTransition: pay, maxRetries: 1}}
- {name: stock, type: dynamic.component, config: {componentId: inventory_checker}}
- {name: shape, type: data.transformer, config: {pipelines: {p: [{type: extract, config: {path: a}}]}}}
- {name: schema, type: jsonschema.modular, config: {schema: {type: object}}}
workflows:
  http:
    router: router
    server: server
    record: end
    routes:
    - {method: GET, path: "/a/{id}", handler: answer, middlewares: [log], record: none, maxBody: 100}
    - {method: POST, path: /b, handler: pipe, middleware: log}
    - {method: POST, path: /c, handler: orders}
  messaging:
    broker: broker
    subscriptions:
    - {topic: a.*, handler: inbox, ordering: none, key: "${data.id}"}
    - {topic: b, handler: pipe}
    producers: [{name: inbox, forwardTo: [x, y-errors]}, {name: pipe, topic: z}]
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      autoStart: true
      states: {new: {description: d}, paid: {isFinal: true, isError: false, data: {}}}
      transitions:
        pay: {fromState: new, toState: paid, condition: "data.total > 0.0", autoTransform: true, data: {}}
    hooks:
    - {workflowType: order, transitions: [pay], fromStates: [new], toStates: [paid], handler: step}
    - {handler: inbox}
    - {handler: other}
    resourceMappings: [{resourceType: orders, stateMachine: engine, instanceIDKey: id}]
  pipelines:
    other: {steps: [{set: {a: 1}}]}
    pipe:
      input: {type: object}
      steps:
      - {name: price, set: {total: "${data.qty * 2}"}}
      - {validate: {schema: {type: object}, value: "${data}"}}
      - {validate: {module: schema}}
      - uses: hook
        with: {a: "${data.id}", t: "${TOKEN}"}
        retry: {attempts: 2, firstPause: 1s, factor: 2}
        as: x
        into: data
      - {uses: other, with: {a: 1}}
      - {uses: inventory_checker}
      - {if: "data.total > 1", then: [{emit: big}], else: [{emit: "t.${data.id}", key: "${data.id}", payload: {}}]}
      - {switch: data.kind, cases: {a: [{set: {b: 1}}], b: }, default: [{uses: shape}]}
      - {respond: {status: 201, headers: {a: b}, body: "${data}"}}
triggers:
  http:
    enabled: true
    routes:
    - {method: POST, path: "/go/:id", workflow: order, action: pay, params: {a: 1}}
    - {method: POST, path: /run, workflow: pipe, action: go}
"""
GOOD = load(TEXT).document.data
TEXTS = [
    "",
    "x",
    "inbox",
    "pipe",
    "orders",
    "hook",
    "/a/{id}",
    "${data.x}",
    "${",
    "${A_B}",
    "data.x >",
    "GET",
    "1s",
    "none",
]
TREES = [[], {}, [None], [[]], [{}], {"a": None}, {"a": 1}, ["x"], [5]]
ODD = st.sampled_from([None, True, False, 0, 1, -1, 5, 1.5, *TEXTS, *TREES])
ROOT = Path(__file__).parents[3]
OWN = [*sorted((ROOT / "examples").rglob("*.yaml")), ROOT / "tests" / "load" / "three_steps.yaml"]


def places(value, path=()):
    """Every path into a tree."""
    yield path
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, step))


PLACES = [path for path in places(GOOD) if path]


def changed(changes):
    """The good document with values replaced, taken out, or given a new neighbour."""
    data = copy.deepcopy(GOOD)
    for path, value, how in changes:
        holder = data
        for step in path[:-1]:
            holder = holder[step] if isinstance(holder, dict | list) and _has(holder, step) else None
        if isinstance(holder, dict | list) and _has(holder, path[-1]):
            _change(holder, path[-1], value, how)
    return data


def _has(holder, step):
    return step in holder if isinstance(holder, dict) else isinstance(step, int) and step < len(holder)


def _change(holder, step, value, how):
    if how == "replace":
        holder[step] = copy.deepcopy(value)
    elif how == "remove":
        del holder[step]
    elif isinstance(holder, dict):
        holder["added"] = copy.deepcopy(value)
    else:
        holder.append(copy.deepcopy(value))


def refused_by_compiler(document, registry, options=None):
    """What the compiler refuses the document for; nothing when it compiles."""
    try:
        compile_document(document, registry, options)
    except DocumentRefused as refusal:
        return set(refusal.findings)
    return set()


@pytest.fixture(scope="session")
def registry():
    return discover(catalog)


@pytest.mark.spec("SPINE-B4")
def test_the_document_to_change_is_good(registry):
    found = check(load(TEXT).document, registry)
    assert [each for each in found if each.severity is not Severity.WARNING] == []
    compile_document(load(TEXT).document, registry)


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2", "SPINE-B4.3")
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), ODD, st.sampled_from(["replace", "replace", "remove", "add"])),
        min_size=1,
        max_size=3,
    )
)
def test_a_document_is_refused_by_the_checker_or_compiles(registry, changes):
    document = load(orjson.dumps(changed(changes))).document
    values = SecretValues(dict.fromkeys(secrets_named(document), "8080"))
    for options in (CheckOptions(values=values), CheckOptions(values=SecretValues({}))):
        refused = {each for each in check(document, registry, options) if each.severity is not Severity.WARNING}
        by_compiler = refused_by_compiler(document, registry, options)
        missing = {each for each in by_compiler if each.code == "secret.missing"}
        assert by_compiler == refused | missing
        assert not missing or options.values != values


@pytest.mark.spec("SPINE-B4.3")
@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_every_document_of_our_own_passes(registry, path):
    found = load(path.read_bytes())
    assert found.findings == ()
    reported = check(found.document, registry, CheckOptions(files=True))
    assert [each for each in reported if each.severity is not Severity.WARNING] == []
