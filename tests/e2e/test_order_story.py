"""The whole line in one story: edit, publish, deploy, order, watch; the page is opened once."""

import json

import pytest
from playwright.sync_api import expect

from apps.core.management.local import browsing
from apps.core.management.local.demo import CAST, ORDER, ORDERS_PATH, PASSWORD, WEBHOOK_SECRET, WORKFLOW
from tests.e2e.conftest import LOST, picture
from tests.e2e.live import assert_resumed, shown_steps, told_steps
from tests.e2e.workflow_page import WorkflowPage, wait_for_live
from tests.support.hosted import HostedTenant, Visitor, eventually

pytestmark = pytest.mark.spec("SPINE-5", "SPINE-B8")

UNDER_WAY = "claimed"
MORE_CALLS = """\
- name: warehouse
          uses: partner
          with: {to: warehouse, order: "${data.id}"}
        - name: bank
          uses: partnr
          with: {to: bank, order: "${data.id}"}
        """


@pytest.fixture
def partner_of_acme(partner, tenants):
    """Acme's notifications go to the test's partner, who lets the first two callers wait."""
    put = tenants[0].call("PUT", f"environments/prod/secrets/{WEBHOOK_SECRET}", {"value": partner.url})
    assert put.status == 204, put.body
    partner.hold("warehouse", "bank")
    return partner


@pytest.mark.spec("SPINE-5.1", "SPINE-5.2", "SPINE-1.4", "SPINE-B8.5", "SPINE-B8.6", "SPINE-B8.7")
def test_an_edit_goes_live_and_an_order_is_watched_through_a_lost_connection(visit, wire, tenants, partner_of_acme):
    acme, globex = tenants
    olive = visit(url=wire.url)
    olive.context.grant_permissions(["clipboard-read", "clipboard-write"])
    olive.expect_complaint(LOST)
    browsing.sign_in(olive.page, CAST[0].email, PASSWORD)
    olive.documents.clear()
    assert olive.open(f"/t/acme/workflows/{WORKFLOW}") == 200
    desk = WorkflowPage(olive.page)

    edit_with_a_mistake_and_mend_it(olive, desk)
    version = desk.publish("Tell the warehouse and the bank as well")
    desk.deploy(version, "prod", name=WORKFLOW)
    desk.show("Runs")
    desk.watch_edges()
    order = post_an_order(acme)
    run = desk.take_in_hand("notify-partner", version)
    watch_through_a_lost_connection(olive, run, wire, partner_of_acme, order)

    told = acme.get(f"runs/{run}")
    assert told["state"] == "done"
    assert told["version"] == version
    assert shown_steps(olive.page) == told_steps(told)
    assert len({step["name"] for step in told["steps"]}) == len(told["steps"])
    assert [len(set(partner_of_acme.called(name, order))) for name in ("warehouse", "bank")] == [1, 1]
    assert_resumed(olive.sockets, run, told["sequence"])
    assert len(olive.documents) == 1, olive.documents
    assert desk.fewest_edges() > 0, "the drawing lost its lines while the run went on"
    assert globex.call("GET", f"runs/{run}").status == 404
    picture(olive, "story-4-done")


def edit_with_a_mistake_and_mend_it(olive, desk):
    """Add two calls, one to a module that is not there; the finding stands at its line and on its node."""
    desk.node("notify-partner").click()
    desk.paste_before("- name: post", MORE_CALLS)
    line = desk.line("uses: partnr")
    message = line.locator(".line-finding--blocked")
    expect(message).to_contain_text("partnr")
    expect(desk.node("notify-partner")).to_have_attribute("data-finding", "blocked")
    expect(desk.finding("partnr")).to_contain_text(f"line {desk.number_of(line)}")
    picture(olive, "story-1-mistake")
    desk.retype_end("uses: partnr", erase=1, typed="er")
    expect(olive.page.locator(".line-finding--blocked")).to_have_count(0)
    expect(desk.node("notify-partner")).not_to_have_attribute("data-finding", "blocked")
    desk.save()
    picture(olive, "story-2-mended")


def post_an_order(acme: HostedTenant) -> str:
    """Order something as anybody would and return the order's number."""
    answer = Visitor(acme.url).call("POST", f"/w/{acme.slug}/{ORDERS_PATH}", json.loads(ORDER))
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def watch_through_a_lost_connection(olive, run, wire, partner, order) -> None:
    """Follow the notification: the first call is answered while nobody can see it, the second one afterwards."""
    page = olive.page
    in_hand = page.get_by_label(f"Run {run}")
    warehouse = in_hand.locator("[data-step$=warehouse]")
    bank = in_hand.locator("[data-step$=bank]")
    expect(warehouse).to_have_attribute("data-state", UNDER_WAY)
    picture(olive, "story-3-running")
    wire.cut()
    wait_for_live(page, "offline")
    partner.release("warehouse")
    eventually(lambda: partner.called("bank", order), "the call to the bank")
    expect(warehouse).to_have_attribute("data-state", UNDER_WAY)
    wire.restore()
    wait_for_live(page, "connected")
    expect(warehouse).to_have_attribute("data-state", "done")
    expect(bank).to_have_attribute("data-state", UNDER_WAY)
    expect(in_hand).to_have_attribute("data-run-state", "running")
    partner.release("bank")
    expect(in_hand).to_have_attribute("data-run-state", "done")
