"""A text that holds several workflows, as a visual editor exports them: `wfctl` checks and serves each by itself."""

import json

import pytest

from tests.support.waiting import wait_for
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("CAT-B2")

SEVERAL = """\
workflows:
- name: desk
  modules:
  - {name: server, type: http.server, config: {address: ":0"}}
  - {name: router, type: http.router}
  - {name: bus, type: messaging.broker}
  workflows:
    http: {routes: [{method: POST, path: /say, handler: say}]}
    pipelines:
      say: {steps: [{emit: order.new, payload: "${data}"}, {respond: {status: 202}}]}
- name: store
  modules:
  - {name: bus, type: messaging.broker}
  workflows:
    messaging: {subscriptions: [{topic: order.new, handler: take}]}
    pipelines:
      take: {steps: [{set: {taken: true}}]}
      linked: {steps: [{set: {linked: true}}]}
"""
LINKS = (
    "links: [{source: desk, target: store, link_type: event_trigger, event_pattern: order.*, target_action: linked}]"
)


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "both.yaml"
    made.write_text(SEVERAL)
    return made


def handled(served):
    return {run["workflow"]: run["status"] for run in served.runs()}


def test_each_workflow_is_checked_with_its_places_in_the_whole_text(file):
    file.write_text(SEVERAL.replace("handler: take", "handler: nobody"))
    done = wfctl("validate", file, "--json")
    desk, store = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, desk["document"], desk["findings"]) == (3, f"{file} (desk)", [])
    (found,) = store["findings"]
    line = file.read_text().splitlines()[found["line"] - 1]
    assert (found["path"], line[found["column"] - 1 :]) == (
        "workflows.messaging.subscriptions[0].handler",
        "handler: nobody}]}",
    )
    shown = wfctl("validate", "-", stdin=file.read_text()).out
    assert f"<stdin> (store):{found['line']}:{found['column']}" in shown
    assert ("handler: nobody" in shown, "<stdin> (desk): no findings" in shown) == (True, True)


def test_faults_of_the_list_are_told_by_both_verbs(file):
    file.write_text("workflows: [{name: a}, 5]\n")
    for verb in ("validate", "run"):
        done = wfctl(verb, file)
        assert (done.code, "A workflow is a map" in done.out) == (1, True)


def test_all_workflows_of_a_text_are_served_side_by_side(file):
    with Serving(file) as served:
        desk, store = served.at("desk"), served.at("store")
        assert desk.call("POST", "/say", {"id": 1}).status == 202
        assert store.call("POST", "/say", {"id": 1}).status == 404
        wait_for(lambda: handled(store) == {"take": "done"}, what="the message at the other workflow")


def test_links_name_the_workflows_of_a_text(file, tmp_path):
    links = tmp_path / "links.yaml"
    links.write_text(LINKS)
    with Serving(file, "--links", links) as served:
        assert served.at("desk").call("POST", "/say", {"id": 1}).status == 202
        store = served.at("store")
        wait_for(lambda: handled(store) == {"take": "done", "linked": "done"}, what="the link")


def test_a_saved_text_is_served_anew_and_one_without_a_workflow_is_not(file):
    with Serving(file) as served:
        desk = served.at("desk")
        file.write_text(SEVERAL.replace("status: 202", "status: 203"))
        wait_for(lambda: desk.call("POST", "/say", {}).status == 203, what="the new text")
        file.write_text("workflows:\n- {name: store}\n")
        served.wait_line("There is no workflow 'desk' in this text any more")
        assert desk.call("POST", "/say", {}).status == 203


def test_a_text_and_a_document_beside_it_with_a_workflow_of_its_name_are_told_apart(file, tmp_path):
    other = tmp_path / "store.yaml"
    other.write_text("modules: [{name: bus, type: messaging.broker}]\n")
    with Serving(file, other) as served:
        assert served.at(str(other)).get("/_weft/runs") == []
        assert served.at(f"{file} (store)").get("/_weft/runs") == []
        assert served.at("desk").get("/_weft/runs") == []
