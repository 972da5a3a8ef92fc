"""`wfctl validate` of a links document: it is told apart from a workflow and checked as what it is."""

import pytest

from tests.support.wfctl import plain, wfctl

pytestmark = pytest.mark.spec("CAT-B2")
LINKS = """\
links:
  - {source: orders, target: stock, link_type: event_trigger, event_pattern: order.*, target_action: reserve}
"""


def test_a_links_document_is_checked_as_one(tmp_path):
    good, wrong = tmp_path / "good.yaml", tmp_path / "wrong.yaml"
    good.write_text(LINKS)
    wrong.write_text(LINKS + "  - {source: orders, link_type: event_trigger}\n")
    assert wfctl("validate", good).code == 0
    assert "no findings" in plain(wfctl("validate", good).out)
    said = wfctl("validate", "--json", wrong)
    assert said.code == 1
    assert [(found["line"], found["code"]) for found in said.json["findings"]] == [(3, "link.required")] * 2
    there_and_back = tmp_path / "ring.yaml"
    there_and_back.write_text(
        "links:\n"
        "  - {source: a, target: b, link_type: event_forward, event_pattern: ping, target_action: pong}\n"
        "  - {source: b, target: a, link_type: event_forward, event_pattern: pong, target_action: ping}\n"
    )
    warned = wfctl("validate", there_and_back)
    assert (warned.code, "a -> b -> a" in plain(warned.out)) == (0, True)
