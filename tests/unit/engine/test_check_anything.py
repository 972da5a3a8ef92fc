"""The checker and the drawing take any tree whatever."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.check import CheckOptions, check
from apps.engine.checks.pipelines import STEPS
from apps.engine.codes import CODES
from apps.engine.document import load
from apps.engine.graph import graph
from tests.unit.engine.checking import TYPES, registry

WORDS = st.sampled_from(
    ["", "a", "b", "http", "messaging", "orders", "GET", "/a/{id}", "${data.x}", "${A_B}", "${", "data.x > 1", "1s"]
    + [each.kind for each in TYPES]
    + ["scheduler", "conditional.ifelse", "core.config"]
)
KEYS = st.sampled_from(
    [
        "name",
        "type",
        "config",
        "dependsOn",
        "branches",
        "modules",
        "workflows",
        "triggers",
        "http",
        "messaging",
        "statemachine",
        "pipelines",
        "scheduler",
        "event",
        "integration",
        "routes",
        "method",
        "path",
        "handler",
        "middlewares",
        "middleware",
        "record",
        "subscriptions",
        "topic",
        "producers",
        "forwardTo",
        "engine",
        "definitions",
        "initialState",
        "states",
        "transitions",
        "fromState",
        "toState",
        "condition",
        "hooks",
        "toStates",
        "resourceMappings",
        "stateMachine",
        "steps",
        "jobs",
        "job",
        "workflow",
        "action",
        "enabled",
        "port",
        "processor",
        "handlers",
        "adapters",
        "connectors",
        "onError",
        "registry",
        "componentId",
        "workflowType",
        "workflowEngine",
        "database",
        "secret",
        "x-a",
        "nonsense",
        "then",
        "else",
        "cases",
        "default",
        "with",
        "retry",
        "key",
        "payload",
        "schema",
        "module",
        "value",
        "status",
        "input",
        "provides",
        *STEPS,
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 700) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=40
)
SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "modules": st.lists(st.dictionaries(KEYS, TREES, max_size=4), max_size=4) | TREES,
        "workflows": st.dictionaries(
            st.sampled_from(
                ["http", "messaging", "statemachine", "pipelines", "scheduler", "event", "integration", "?"]
            ),
            st.dictionaries(KEYS, TREES, max_size=4) | TREES,
            max_size=4,
        )
        | TREES,
        "triggers": st.dictionaries(
            st.sampled_from(["http", "schedule", "event", "eventbus", "mock", "?"]),
            st.dictionaries(KEYS, TREES, max_size=3) | TREES,
            max_size=3,
        )
        | TREES,
    },
)


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2")
@settings(max_examples=500, deadline=None)
@given(SECTIONS, st.booleans())
def test_no_document_whatever_raises(data, knows_secrets):
    document = load(json.dumps(data)).document
    options = CheckOptions(strict=True, secrets=frozenset({"A_B"}) if knows_secrets else None)
    found = check(document, registry(), options)
    assert found == sorted(set(found))
    assert all(each.code in CODES and each.line >= 1 and each.column >= 1 and each.message for each in found)
    drawing = graph(document, registry(), found)
    identities = {node["id"] for node in drawing["nodes"]}
    assert len(identities) == len(drawing["nodes"])
    assert all({edge["from"], edge["to"]} <= identities for edge in drawing["edges"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(KEYS, TREES, max_size=4), max_size=4), st.dictionaries(KEYS, TREES, max_size=4))
def test_no_pipeline_whatever_raises(steps, pipeline):
    data = {"workflows": {"pipelines": {"p": {**pipeline, "steps": steps}, "q": {"steps": [{"uses": "p"}]}}}}
    document = load(json.dumps(data)).document
    check(document, registry())
    graph(document, registry())
