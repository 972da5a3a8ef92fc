"""The names under which a document's components are found (spec/modules.md 2 and 8.3)."""

import pytest

import apps.modules.catalog
from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.graph import graph
from apps.engine.registry import discover

pytestmark = pytest.mark.spec("CAT-B1", "dynamic.component")

REGISTRY = discover(apps.modules.catalog)
DOCUMENT = """
modules:
- {{name: engine, type: statemachine.engine}}
- {{name: stock, type: dynamic.component, config: {{{config}}}}}
- {{name: step, type: processing.step, config: {{componentId: {named}}}}}
workflows:
  statemachine:
    engine: engine
    definitions:
    - {{name: order, initialState: a, states: {{a: {{}}, b: {{}}}}, transitions: {{go: {{fromState: a, toState: b}}}}}}
    hooks: [{{transitions: [go], handler: step}}]
"""
GO = "source: ./components/inventory_checker.go"


def document(config, named):
    loaded = load(DOCUMENT.format(config=config, named=named))
    assert loaded.document is not None
    return loaded.document


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (GO, "stock"),
        (f"{GO}, provides: [shelf, count]", "count"),
        (f"{GO}, provides: 'shelf, count'", "count"),
        (f"{GO}, componentId: inventory-checker", "inventory-checker"),
        ("componentId: inventory-checker", "stock"),
        ("componentId: inventory_checker", "inventory_checker"),
        ("source: components/inventory-checker.py", "stock"),
    ],
)
def test_a_step_finds_its_component_by_every_name_that_it_has(config, named):
    found = document(config, named)
    assert check(found, REGISTRY, CheckOptions()) == []
    application = compile_document(found, REGISTRY)
    (entry,) = [name for name in application.programs if name.startswith("step:")]
    step = application.programs[entry].steps[0]
    assert step.module == ("" if named == "inventory_checker" else "stock")


def test_a_module_of_the_name_goes_before_a_component_that_calls_itself_so():
    text = DOCUMENT.format(config=f"{GO}, componentId: work, provides: [engine]", named="work")
    work = "- {name: work, type: dynamic.component, config: {componentId: payment_processor}}\n"
    loaded = load(text.replace("modules:\n", f"modules:\n{work}", 1))
    assert loaded.document is not None
    assert check(loaded.document, REGISTRY, CheckOptions()) == []
    application = compile_document(loaded.document, REGISTRY)
    (entry,) = [name for name in application.programs if name.startswith("step:")]
    assert application.programs[entry].steps[0].module == "work"


def test_a_component_is_drawn_with_the_step_that_names_it_by_its_id():
    drawn = graph(document(f"{GO}, componentId: inventory-checker", "inventory-checker"), REGISTRY)
    assert {"from": "step", "to": "stock", "kind": "uses", "label": ""} in drawn["edges"]


def test_a_source_without_a_port_is_blocked_by_name():
    (found,) = check(document("source: components/mine.go", "stock"), REGISTRY, CheckOptions())
    assert (found.code, found.path) == ("component.source", "modules[1].config.source")
    assert "components/mine.go" in found.message
