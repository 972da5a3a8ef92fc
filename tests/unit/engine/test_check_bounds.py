"""Documents made to be wrong, or large, everywhere: checking and drawing stay within bounds."""

import time

import orjson
import pytest

from apps.engine.check import check
from apps.engine.checks.report import MOST_EXPRESSIONS, MOST_FINDINGS
from apps.engine.document import load
from apps.engine.graph import MOST_EDGES, graph
from tests.unit.engine.checking import registry, with_parts

ENOUGH_SECONDS = 30  # of processor time, many times what any of these takes


def checked(data):
    document = load(orjson.dumps(data) if isinstance(data, dict) else data).document
    started = time.process_time()
    found = check(document, registry())
    graph(document, registry(), found)
    assert time.process_time() - started < ENOUGH_SECONDS
    return found


def codes_of(found):
    return {each.code for each in found}


def test_ten_thousand_wrong_names_are_told_a_thousand_times():
    modules = [{"name": f"module-{n}", "type": "http.router", "dependsOn": [f"modul-{n}"]} for n in range(8_000)]
    found = checked({"modules": modules})
    assert len(found) == MOST_FINDINGS
    assert codes_of(found) == {"module.dependency.unknown"}
    assert any("Did you mean" in each.message for each in found)


def test_errors_are_told_even_after_very_many_warnings():
    modules = [{"name": f"m{n}", "type": "http.router", "config": {"prefix": 1}} for n in range(8_000)]
    found = checked({"modules": [*modules, {"name": "m0", "type": "http.router"}]})
    assert codes_of(found) == {"key.ignored", "module.name.duplicate"}


def test_a_thicket_of_circles_is_cut_short():
    modules = [{"name": f"m{n}", "type": "http.router", "dependsOn": [f"m{n + 1}", "m0"]} for n in range(7_999)]
    found = checked({"modules": [*modules, {"name": "m7999", "type": "http.router", "dependsOn": ["m0"]}]})
    assert codes_of(found) == {"module.cycle"}
    assert len(found) <= 20
    assert max(len(each.message) for each in found) < 1_000


def test_a_long_chain_of_pipelines_is_refused_and_harms_nothing():
    pipelines = {f"p{n}": {"steps": [{"uses": f"p{n + 1}"}]} for n in range(5_000)}
    found = checked({"workflows": {"pipelines": {**pipelines, "p5000": {"steps": [{"emit": "t"}]}}}})
    assert codes_of(found) == {"pipeline.too_deep"}
    assert len(found) == 1


def test_the_purity_of_a_long_chain_is_that_of_its_end():
    pipelines = "".join(f"    p{n}: {{steps: [{{uses: p{n + 1}}}]}}\n" for n in range(400))
    text = with_parts(
        "workflows:\n  http:\n    routes: [{method: GET, path: /a, handler: p0, record: none}]\n"
        f"  pipelines:\n{pipelines}    p400: {{steps: [{{emit: t}}]}}\n"
    )
    assert "record.not_pure" in codes_of(checked(text))


def test_there_is_a_cap_on_different_expressions():
    steps = [{"set": {"a": f"${{data.x + {n}}}"}} for n in range(MOST_EXPRESSIONS + 50)]
    found = checked({"workflows": {"pipelines": {"p": {"steps": steps}}}})
    assert [each.code for each in found] == ["expression.too_many"]


def test_every_expression_of_a_long_text_counts():
    text = "".join(f"${{data.x + {n}}} " for n in range(MOST_EXPRESSIONS + 50))
    steps = [{"set": {"a": text}}, {"set": {"a": text}}]
    found = checked({"workflows": {"pipelines": {"p": {"steps": steps}}}})
    assert [each.code for each in found] == ["expression.too_many"]


def test_one_expression_used_often_counts_once():
    steps = [{"set": {"a": "${data.x + 1}"}} for _ in range(MOST_EXPRESSIONS + 50)]
    assert checked({"workflows": {"pipelines": {"p": {"steps": steps}}}}) == []


def test_hooks_of_every_state_machine_are_drawn_up_to_a_limit():
    definitions = [{"name": f"d{n}", "initialState": "s", "states": {"s": {}}, "transitions": {}} for n in range(2_000)]
    hooks = [{"transitions": [f"t{n}"], "handler": "inbox"} for n in range(2_000)]
    section = {"definitions": definitions, "hooks": hooks, "engine": "engine"}
    modules = [{"name": "engine", "type": "statemachine.engine"}, {"name": "inbox", "type": "messaging.handler"}]
    document = load(orjson.dumps({"modules": modules, "workflows": {"statemachine": section}})).document
    assert len(graph(document, registry())["edges"]) == MOST_EDGES


@pytest.mark.parametrize("count", [3_000])
def test_large_sections_are_checked_in_time(count):
    states = {f"s{n}": {} for n in range(count)}
    transitions = {f"t{n}": {"fromState": f"s{n}", "toState": "s0"} for n in range(count)}
    definition = {"name": "d", "initialState": "s0", "states": states, "transitions": transitions}
    hooks = [
        {"workflowType": "d", "transitions": [f"t{n}"], "toStates": ["s0"], "handler": "inbox"} for n in range(count)
    ]
    mappings = [{"resourceType": f"r{n}", "stateMachine": "d"} for n in range(count)]
    routes = [{"method": "POST", "path": f"/{n}", "workflow": "d", "action": f"t{n}"} for n in range(count)]
    sections = {
        "statemachine": {"definitions": [definition], "hooks": hooks, "resourceMappings": mappings, "engine": "engine"},
    }
    modules = [{"name": "engine", "type": "statemachine.engine"}, {"name": "inbox", "type": "messaging.handler"}]
    assert checked({"modules": modules, "workflows": sections, "triggers": {"http": {"routes": routes}}}) == []
