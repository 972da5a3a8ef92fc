"""A checked document becomes an application."""

import pytest

from apps.engine.check import CheckOptions
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, Severity
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


def test_placeholders_stand_for_nothing_where_they_are_allowed():
    document = load("modules:\n- {name: a, type: core.logger}\n").document
    application = compile_document(document, small_registry(), CheckOptions(allow_placeholders=True))
    assert application.order == ()


def test_free_keys_of_a_config_do_not_reach_the_module():
    application = compiled("modules:\n- {name: a, type: http.handler, config: {status: 204, x-note: mine}}\n")
    assert application.modules["a"].config.status == 204
