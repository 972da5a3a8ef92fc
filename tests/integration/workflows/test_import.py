"""Importing a text that holds several workflows (spec/modules.md 1.1)."""

import json

import pytest
import yaml

from apps.core.models import AuditEntry
from apps.core.scope import SYSTEM, scope
from tests.integration.workflows.documents import CLEAN
from tests.integration.workflows.test_api import Caller

pytestmark = pytest.mark.spec("CAT-B1")

TABS = """
workflows:
- name: Intake
  description: Takes orders in
  modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: hello, type: http.handler, config: {body: "yes", status: 201}}
  workflows:
    http: {routes: [{method: GET, path: /hello, handler: hello}]}
- modules: [{name: broker, type: messaging.broker}]
- {name: Intake, modules: [{name: tracker, type: state.tracker}], triggers: {}}
"""


@pytest.fixture
def ours(two_tenants):
    return Caller(two_tenants[0])


@pytest.fixture
def theirs(two_tenants):
    return Caller(two_tenants[1])


def place(caller):
    return f"projects/{caller.tenant.project.id}/workflows/import"


def names(caller):
    return sorted(each["name"] for each in caller("GET", "workflows").json()["items"])


def test_each_workflow_of_the_list_becomes_one_with_its_own_draft(ours, theirs):
    done = ours("POST", place(ours), TABS, content_type="application/yaml")
    assert done.status_code == 201, done.content
    made = done.json()["created"]
    assert [(each["name"], each["slug"]) for each in made] == [
        ("Intake", "intake"), ("Workflow 2", "workflow-2"), ("Intake", "intake-2"),
    ]  # fmt: skip
    assert made[0]["description"] == "Takes orders in"
    drafts = [ours("GET", f"workflows/{each['id']}/draft").json()["text"] for each in made]
    assert [yaml.safe_load(draft) for draft in drafts] == yaml.safe_load(TABS)["workflows"]
    assert "body: 'yes'" in drafts[0]
    assert ours("POST", f"workflows/{made[0]['id']}/versions", {}).status_code == 201
    assert names(theirs) == []
    with scope(ours.tenant.id, SYSTEM):
        assert AuditEntry.objects.filter(verb="workflow.create").count() == 3


def test_the_list_may_be_json_and_a_document_of_one_workflow_is_one(ours):
    assert ours("POST", place(ours), {"workflows": [{"name": "A"}, {}]}).status_code == 201
    done = ours("POST", place(ours), f"# kept\nname: Whole\n{CLEAN}", content_type="application/yaml")
    assert done.status_code == 201
    made = done.json()["created"][0]
    assert ours("GET", f"workflows/{made['id']}/draft").json()["text"].startswith("# kept\n")
    assert names(ours) == ["A", "Whole", "Workflow 2"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("workflows: []", ["workflows"]),
        ("modules: [{name: a, type: http.router}]\nworkflows: [{name: A}]", ["workflows"]),
        ("workflows: [{name: A}, 7, {name: [1]}]", ["workflows[1]", "workflows[2].name"]),
        ("workflows: [{name: " + "a" * 121 + "}]", ["workflows[0].name"]),
        ("[]", [""]),
        ("workflows: [", [""]),
    ],
)
def test_a_text_with_faults_is_refused_whole_with_their_places(ours, text, paths):
    refused = ours("POST", place(ours), text, content_type="application/yaml")
    assert (refused.status_code, [each["path"] for each in refused.json()["findings"]]) == (422, paths)
    assert all(each["line"] > 0 for each in refused.json()["findings"])
    assert names(ours) == []


def test_nothing_is_imported_where_a_name_is_taken_or_the_caller_may_not(ours, theirs):
    ours.workflow(CLEAN, "Intake")
    assert ours("POST", place(ours), TABS, content_type="application/yaml").status_code == 409
    assert names(ours) == ["Intake"]
    assert Caller(ours.tenant, "viewer")("POST", place(ours), TABS, content_type="application/yaml").status_code == 403
    assert theirs("POST", place(ours), TABS, content_type="application/yaml").status_code == 404
    assert names(theirs) == []


def test_an_import_that_is_sent_again_under_its_key_is_done_once(ours):
    sent = [ours("POST", place(ours), {"workflows": [{"name": "A"}]}, Idempotency_Key="once") for _ in range(2)]
    assert json.loads(sent[0].content) == json.loads(sent[1].content)
    assert names(ours) == ["A"]
