"""A links document is checked whole, each remark at its place; hostile ones cost a finding."""

import pytest

from apps.engine.document import load
from apps.engine.links.check import check_links, is_links_document

pytestmark = pytest.mark.spec("CAT-B2")
GOOD = """\
name: shop
links:
  - {source: a, target: b, link_type: event_forward, event_pattern: x.*, config: {description: d}}
  - {source_workflow_id: b, target_workflow_id: c, link_type: "y.**"}
"""


def found(text):
    document = load(text).document
    return [(each.line, each.column, each.code, each.path) for each in check_links(document)]


def test_a_good_document_has_no_findings():
    assert found(GOOD) == []
    assert found("links:\n") == []
    assert found("links: []\n") == []


def test_a_workflow_that_also_lists_links_is_a_workflow():
    assert is_links_document(load(GOOD).document)
    assert not is_links_document(load(GOOD + "modules: [{name: a, type: http.server}]\n").document)
    assert not is_links_document(load("modules: []\n").document)


def test_everything_wrong_is_told_at_once():
    text = GOOD + (
        "  - {source: a, target: a, link_type: x}\n"
        "  - {source: a, target: b, link_type: event_forward, event_pattern: x.*}\n"
        "  - {source: b, target: a, link_type: event_forward, event_pattern: '**'}\n"
        "  - {source: '', target: [], link_type: x}\n"
        "  - {source: a, target: b, link_type: x, config: {colour: red}}\n"
        "more: 1\n"
    )
    assert found(text) == [
        (3, 5, "link.cycle", "links[0]"),
        (5, 17, "link.self", "links[2].target"),
        (6, 5, "link.duplicate", "links[3]"),
        (8, 6, "link.invalid", "links[5].source"),
        (8, 18, "link.invalid", "links[5].target"),
        (9, 5, "link.cycle", "links[6]"),
        (9, 51, "key.ignored", "links[6].config.colour"),
        (10, 1, "key.ignored", "more"),
    ]


def test_more_links_than_a_document_may_list_are_one_finding():
    text = "links:\n" + "".join(f"- {{source: a, target: b, link_type: t.{n}}}\n" for n in range(1001))
    assert found(text) == [(1002, 3, "links.too_many", "links[1000]")]
