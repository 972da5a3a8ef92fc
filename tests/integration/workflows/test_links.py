"""The calls of links between workflows, as programs of two tenants make them."""

import json

import pytest

from apps.core.models import AuditEntry
from apps.core.scope import SYSTEM, scope
from apps.engine.links import record
from tests.integration.workflows.documents import CLEAN
from tests.integration.workflows.test_api import Caller

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")
TRIGGER = {"link_type": "event_trigger", "config": {"event_pattern": "order.*", "target_action": "price:go"}}
DOCUMENT = """\
links:
  - source: orders
    target: Stock
    link_type: event_trigger
    event_pattern: order.validated
    target_action: reserve
    description: Orders reserve stock
  - source: stock
    target: orders
    link_type: event_forward
    config: {event_pattern: "stock.**", target_action: incoming.stock}
"""


@pytest.fixture
def ours(two_tenants):
    return Caller(two_tenants[0])


@pytest.fixture
def theirs(two_tenants):
    return Caller(two_tenants[1])


def ends(caller):
    return caller.workflow(CLEAN, "Orders"), caller.workflow(CLEAN, "Stock")


def verbs(caller):
    with scope(caller.tenant.id, SYSTEM):
        return list(AuditEntry.objects.filter(target="link").order_by("id").values_list("verb", flat=True))


def test_a_link_is_made_read_listed_from_both_ends_and_removed(ours, theirs):
    source, target = ends(ours)
    made = ours("POST", f"workflows/{source}/links", {"target_workflow_id": target, **TRIGGER})
    assert made.status_code == 201, made.content
    link = made.json()
    assert (link["source_workflow_id"], link["target_workflow_id"]) == (source, target)
    assert (link["link_type"], link["event_pattern"], link["findings"]) == ("event_trigger", "order.*", [])
    assert link["config"] == TRIGGER["config"]
    assert link["created_by"]
    assert made["Location"] == f"/api/v1/workflows/{source}/links/{link['id']}"
    read = ours("GET", f"workflows/{source}/links/{link['id']}").json()
    assert read == {key: value for key, value in link.items() if key != "findings"}
    for workflow, direction in ((source, "out"), (target, "in")):
        listed = ours("GET", f"workflows/{workflow}/links?direction={direction}").json()
        assert (listed["items"], listed["next"]) == ([read], None)
    assert ours("GET", f"workflows/{source}/links?direction=in").json()["items"] == []
    assert ours("GET", f"workflows/{source}/links?direction=up").status_code == 400
    for call in (
        theirs("GET", f"workflows/{source}/links"),
        theirs("GET", f"workflows/{source}/links/{link['id']}"),
        theirs("DELETE", f"workflows/{source}/links/{link['id']}"),
        ours("DELETE", f"workflows/{target}/links/{link['id']}"),
    ):
        assert call.status_code == 404
    assert ours("DELETE", f"workflows/{source}/links/{link['id']}").status_code == 204
    assert ours("GET", f"workflows/{source}/links/{link['id']}").status_code == 404
    assert (verbs(ours), verbs(theirs)) == (["link.create", "link.delete"], [])


def test_a_link_that_cannot_be_is_refused_with_what_is_wrong(ours, theirs):
    source, target = ends(ours)
    stranger, _ = ends(theirs)
    address = f"workflows/{source}/links"
    for body, pointer in (
        ({"target_workflow_id": target}, "/link_type"),
        ({"target_workflow_id": target, "link_type": ""}, "/link_type"),
        ({"target_workflow_id": target, "link_type": "event_trigger"}, "/event_pattern"),
        ({"target_workflow_id": target, "link_type": "a b"}, "/link_type"),
        ({"target_workflow_id": target, "link_type": ".".join("x" * 21)}, "/link_type"),
        ({"link_type": "order.*"}, "/target_workflow_id"),
        ({"target_workflow_id": stranger, "link_type": "order.*"}, "/target_workflow_id"),
        ({"target_workflow_id": "no such", "link_type": "order.*"}, "/target_workflow_id"),
        ({"target_workflow_id": source, "link_type": "order.*"}, "/target_workflow_id"),
        ({"target": target, "link_type": "x", "config": {"params": {"p": "x" * 9000}}}, "/config/params"),
    ):
        refused = ours("POST", address, body)
        assert refused.status_code == 400, (body, refused.content)
        assert refused["Content-Type"] == "application/problem+json"
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer], body
    assert ours("POST", address, {"target": target, "link_type": "x", "colour": 1}).json()["code"] == "body.unknown-key"
    unknown = f"workflows/{theirs.workflow(CLEAN, 'Third')}/links"
    assert ours("POST", unknown, {"target": target, "link_type": "x"}).status_code == 404


def test_the_same_link_twice_is_409_and_the_same_request_twice_is_once(ours):
    source, target = ends(ours)
    body = {"target": "stock", "link_type": "order.*"}
    address = f"workflows/{source}/links"
    first = ours("POST", address, body, Idempotency_Key="k1")
    again = ours("POST", address, body, Idempotency_Key="k1")
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (201, 201, "true")
    assert first.json()["target_workflow_id"] == target
    twice = ours("POST", address, body | {"config": {"event_pattern": "order.*"}})
    assert (twice.status_code, twice.json()["code"]) == (409, "link.duplicate")
    assert ours("POST", address, body | {"target_action": "other.topic"}).status_code == 201
    page = ours("GET", f"{address}?limit=1").json()
    rest = ours("GET", f"{address}?limit=1&cursor={page['next']}").json()
    assert [len(page["items"]), len(rest["items"]), rest["next"]] == [1, 1, None]


def test_a_workflow_has_only_so_many_links(ours, monkeypatch):
    source, target = ends(ours)
    monkeypatch.setattr("apps.workflows.operations.links.MOST_LINKS", 2)
    made = [
        ours("POST", f"workflows/{source}/links", {"target": target, "link_type": f"t.{number}"}) for number in range(3)
    ]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert (made[-1].json()["code"], record.MOST_LINKS) == ("links.too_many", 1000)


def test_a_viewer_reads_links_and_makes_none(ours):
    source, target = ends(ours)
    viewer = Caller(ours.tenant, "viewer")
    assert viewer("GET", f"workflows/{source}/links").status_code == 200
    assert viewer("POST", f"workflows/{source}/links", {"target": target, **TRIGGER}).status_code == 403
    assert viewer("POST", "links/import", DOCUMENT, content_type="application/yaml").status_code == 403


def test_a_ring_told_by_patterns_is_a_warning(ours):
    source, target = ends(ours)
    ours("POST", f"workflows/{source}/links", {"target": target, "link_type": "event_forward", "event_pattern": "a.*"})
    back = {"target": source, "link_type": "event_forward", "event_pattern": "**", "target_action": "a.b"}
    made = ours("POST", f"workflows/{target}/links", back)
    [finding] = made.json()["findings"]
    assert (finding["code"], finding["severity"]) == ("link.cycle", "warning")
    assert "stock -> orders -> stock" in finding["message"]


def test_an_import_makes_all_links_of_a_document_and_again_changes_nothing(ours, theirs):
    source, target = ends(ours)
    ends(theirs)
    done = ours("POST", "links/import", DOCUMENT, content_type="application/yaml")
    assert done.status_code == 200, done.content
    assert [(link["source_slug"], link["target_slug"]) for link in done.json()["created"]] == [
        ("orders", "stock"),
        ("stock", "orders"),
    ]
    assert done.json()["created"][0]["config"]["description"] == "Orders reserve stock"
    assert (done.json()["unchanged"], done.json()["removed"], done.json()["findings"]) == ([], [], [])
    again = ours("POST", "links/import", DOCUMENT, content_type="application/yaml").json()
    assert (again["created"], len(again["unchanged"])) == ([], 2)
    as_json = {"links": [{"source": source, "target": target, "link_type": "other.*"}]}
    kept = ours("POST", "links/import", as_json).json()
    assert (len(kept["created"]), kept["removed"]) == (1, [])
    replaced = ours("POST", "links/import?replace=true", as_json).json()
    assert [len(replaced[what]) for what in ("created", "unchanged", "removed")] == [0, 1, 2]
    assert verbs(ours) == ["link.create"] * 3 + ["link.delete"] * 2
    assert verbs(theirs) == []


def test_a_document_with_faults_is_refused_whole_with_every_place(ours, theirs):
    ends(ours)
    theirs.workflow(CLEAN, "Abroad")
    wrong = DOCUMENT + (
        "  - {source: orders, target: abroad, link_type: x.*}\n"
        "  - {source: orders, target: orders, link_type: x.*}\n"
        "  - {source: orders, link_type: event_trigger}\n"
        "  - 7\n"
        "  - {source: orders, target: stock, link_type: event_trigger, event_pattern: order.validated,"
        " target_action: reserve, colour: red}\n"
    )
    refused = ours("POST", "links/import", wrong, content_type="application/yaml")
    assert refused.status_code == 422
    found = [(each["line"], each["column"], each["code"], each["path"]) for each in refused.json()["findings"]]
    assert found == [
        (12, 22, "link.workflow.unknown", "links[2].target"),
        (13, 22, "link.self", "links[3].target"),
        (14, 5, "link.required", "links[4]"),
        (14, 5, "link.required", "links[4].event_pattern"),
        (15, 5, "links.shape", "links[5]"),
        (16, 5, "link.duplicate", "links[6]"),
        (16, 119, "key.ignored", "links[6].colour"),
    ]
    assert verbs(ours) == []
    for text, code in (
        (": : :", "yaml.syntax"),
        ("[]", "document.shape"),
        ("links: 3", "links.shape"),
        ("{}", "links.shape"),
    ):
        answer = ours("POST", "links/import", text, content_type="application/yaml")
        assert (answer.status_code, answer.json()["findings"][0]["code"]) == (422, code), text
    broken = ours("POST", "links/import", json.dumps({"links": [{"source": 7}]})[:-1], content_type="application/json")
    assert broken.status_code in (400, 422)


def test_two_workflows_of_one_name_are_told_apart_by_slug(ours):
    ends(ours)
    project = ours.tenant.project.id
    ours("POST", f"projects/{project}/workflows", {"name": "Stock", "slug": "stock-2", "text": CLEAN})
    refused = ours("POST", "links/import", DOCUMENT, content_type="application/yaml")
    assert [each["code"] for each in refused.json()["findings"]] == ["link.workflow.ambiguous"]
    assert (
        ours("POST", "links/import", DOCUMENT.replace("Stock", "stock-2"), content_type="application/yaml").status_code
        == 200
    )


def test_an_import_is_kept_by_its_idempotency_key(ours):
    ends(ours)
    sent = [
        ours("POST", "links/import", DOCUMENT, content_type="application/yaml", Idempotency_Key="once")
        for _ in range(2)
    ]
    assert [len(answer.json()["created"]) for answer in sent] == [2, 2]
    assert sent[1]["Idempotency-Replayed"] == "true"
