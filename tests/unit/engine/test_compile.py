"""A checked document becomes an application."""

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, Severity
from apps.engine.testing import Bench
from tests.support.small_modules import compiled, small_registry


@pytest.mark.spec("D8", "SPINE-B4.3")
def test_modules_are_built_behind_what_they_depend_on_and_else_in_file_order():
    application = compiled("""
modules:
- {name: a, type: http.handler, dependsOn: [z, m]}
- {name: b, type: http.handler}
- {name: m, type: http.handler, dependsOn: [z]}
- {name: z, type: http.handler}
""")
    assert application.order == ("z", "m", "a", "b")


@pytest.mark.spec("D3")
def test_references_find_modules_whatever_they_are_called_and_by_their_well_known_names():
    application = compiled("""
modules:
- {name: my-broker, type: messaging.broker}
- {name: turn, type: data.transformer}
workflows:
  messaging:
    subscriptions: [{topic: a, handler: data.transformer}]
""")
    assert application.subscriptions_for("a")[0].entry == "message:a -> data.transformer"
    assert application.program("message:a -> data.transformer").steps[0].module == "turn"
    assert application.program("message:nothing") is None


@pytest.mark.spec("SPINE-B4.3")
def test_a_document_with_errors_is_refused_with_all_of_them():
    document = load("modules:\n- {name: a, type: no.such}\n- {name: b, type: nor.this}\n").document
    with pytest.raises(DocumentRefused) as refusal:
        compile_document(document, small_registry())
    assert [finding.line for finding in refusal.value.findings] == [2, 3]


def test_warnings_stay_with_the_application():
    application = compiled("modules: []\nlinks: []\n")
    assert {finding.severity for finding in application.findings} == {Severity.WARNING}
    assert application.sha256 == application.document.sha256


async def test_placeholders_are_services_that_do_nothing_where_they_are_allowed():
    text = "modules:\n- {name: a, type: core.logger, config: {level: info}}\n"
    document = load(text + "workflows: {pipelines: {p: {steps: [{name: told, uses: a}]}}}").document
    application = compile_document(document, small_registry(), CheckOptions(allow_placeholders=True))
    assert application.order == ("a",)
    async with Bench(application) as bench:
        await bench.host.start_run(application.resolve("p", "", {"n": 1}))
        await bench.settle()
        (run,) = bench.host.queue.runs("local")
        assert (run["status"], run["steps"][0]["output"]) == ("done", {"n": 1})
        assert "placeholder" in run["steps"][0]["logs"][0]["message"]


def test_a_placeholder_answers_no_requests():
    text = "modules:\n- {name: a, type: core.logger}\n"
    document = load(text + "workflows: {http: {routes: [{method: GET, path: /, handler: a}]}}").document
    found = check(document, small_registry(), CheckOptions(allow_placeholders=True))
    assert ("reference.unsuitable", "workflows.http.routes[0].handler") in [(each.code, each.path) for each in found]


def test_free_keys_of_a_config_do_not_reach_the_module():
    application = compiled("modules:\n- {name: a, type: http.handler, config: {status: 204, x-note: mine}}\n")
    assert application.modules["a"].config.status == 204
