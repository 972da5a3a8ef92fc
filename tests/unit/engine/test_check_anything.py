"""The checker and the drawing take any tree whatever."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.check import CheckOptions, check
from apps.engine.codes import CODES
from apps.engine.document import load
from apps.engine.graph import graph
from apps.modules.management.fuzzing.trees import KEYS, documents, trees
from tests.unit.engine.checking import TYPES, registry

KINDS = [each.kind for each in TYPES]
TREES = trees(KINDS)


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2")
@settings(max_examples=250, deadline=None)
@given(documents(KINDS), st.booleans())
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


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(KEYS, TREES, max_size=4), max_size=4), st.dictionaries(KEYS, TREES, max_size=4))
def test_no_pipeline_whatever_raises(steps, pipeline):
    data = {"workflows": {"pipelines": {"p": {**pipeline, "steps": steps}, "q": {"steps": [{"uses": "p"}]}}}}
    document = load(json.dumps(data)).document
    check(document, registry())
    graph(document, registry())
