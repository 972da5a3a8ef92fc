"""The checker and the hand-written table say the same about every reference document, both ways."""

import pytest

from apps.engine.check import check
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.graph import graph
from apps.engine.ordering import dependency_order
from apps.engine.registry import discover
from apps.modules import catalog
from tests.acceptance.compat.expected_findings import BLOCKED, RUNNABLE


@pytest.fixture(scope="session")
def registry():
    return discover(catalog)


def loaded(document, name):
    found = load(document(name.removesuffix(".yaml")).read_bytes())
    assert found.findings == ()
    return found.document


@pytest.mark.spec("SPINE-3", "SPINE-B9", "SPINE-3.3")
@pytest.mark.parametrize("name", sorted({**RUNNABLE, **BLOCKED}))
def test_every_expected_finding_is_reported_and_no_other(document, registry, name):
    reported = [(found.code, found.path, found.line) for found in check(loaded(document, name), registry)]
    assert sorted(reported) == sorted({**RUNNABLE, **BLOCKED}[name])


@pytest.mark.spec("SPINE-3")
@pytest.mark.parametrize("name", sorted(RUNNABLE))
def test_a_document_that_this_build_runs_has_warnings_only(document, registry, name):
    severities = {found.severity for found in check(loaded(document, name), registry)}
    assert severities <= {Severity.WARNING}


@pytest.mark.spec("SPINE-3")
@pytest.mark.parametrize("name", sorted({**RUNNABLE, **BLOCKED}))
def test_every_document_is_drawn_with_a_node_for_each_module(document, registry, name):
    found = loaded(document, name)
    drawing = graph(found, registry, check(found, registry))
    identities = {node["id"] for node in drawing["nodes"]}
    assert {entry.name for entry in found.modules} <= identities
    assert all(edge["from"] in identities and edge["to"] in identities for edge in drawing["edges"])


@pytest.mark.spec("SPINE-3", "D8")
def test_the_dependency_example_is_drawn_in_topological_order(document, registry):
    found = loaded(document, "dependency-injection-example.yaml")
    order, cycles = dependency_order({entry.name: entry.depends_on for entry in found.modules})
    places = {name: place for place, name in enumerate(order)}
    assert cycles == []
    assert all(places[name] < places[entry.name] for entry in found.modules for name in entry.depends_on)
