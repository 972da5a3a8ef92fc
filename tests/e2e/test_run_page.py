"""The page of one run: it follows the run by itself, and a failed run is retried from it."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from apps.core.management.local.demo import CAST
from tests.e2e.conftest import LOST, picture
from tests.e2e.live import shown_steps, told_steps
from tests.e2e.workflow_page import wait_for_live
from tests.support.hosted import eventually

pytestmark = pytest.mark.spec("SPINE-5", "SPINE-B8")

DOCUMENT = Path(__file__).parent / "documents" / "three_calls.yaml"


@pytest.fixture(scope="module")
def three_calls(tenants, partner):
    """A workflow of Acme that calls the partner three times."""
    put = tenants[0].call("PUT", "environments/prod/secrets/PARTNER_URL", {"value": partner.url})
    assert put.status == 204, put.body
    return tenants[0].deploy("three_calls", DOCUMENT.read_text(encoding="utf-8"), ("prod",))


@pytest.fixture
def begun(three_calls):
    """Start a run of it and return the run's id with the order's."""

    def begin():
        order = uuid4().hex
        wanted = {"environment": "prod", "workflow": "tell-everybody", "action": "", "data": {"order": order}}
        return three_calls.tenant.make(f"workflows/{three_calls.id}/runs", wanted)["id"], order

    return begin


@pytest.fixture
def patient_partner(partner):
    """The partner without the habits of the test before; it takes every call."""
    partner.forget()
    return partner


@pytest.mark.spec("SPINE-B8.9", "SPINE-1.4")
def test_a_page_opened_once_shows_every_step_of_a_run_up_to_its_end(olive, begun, three_calls, patient_partner):
    patient_partner.hold("warehouse", "bank", "carrier")
    run, order = begun()
    assert olive.open(f"/t/acme/runs/{run}") == 200
    wait_for_live(olive.page, "connected")
    for name in ("warehouse", "bank", "carrier"):
        expect(olive.page.locator(f"[data-step={name}]")).to_have_attribute("data-state", "claimed")
        expect(olive.page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
        eventually(lambda caller=name: patient_partner.called(caller, order), f"the call to the {name}")
        patient_partner.release(name)
    expect(olive.page.locator(".run-split")).to_have_attribute("data-run-state", "done")
    expect(olive.page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    assert shown_steps(olive.page) == told_steps(three_calls.run(run))
    assert len(olive.documents) == 1, olive.documents


@pytest.mark.spec("SPINE-5.3", "SPINE-B7.5")
def test_a_failed_run_is_retried_from_its_page_and_goes_on_where_it_failed(olive, begun, three_calls, patient_partner):
    patient_partner.refuse("bank", 410)
    run, order = begun()
    olive.open(f"/t/acme/runs/{run}")
    page = olive.page
    expect(page.locator(".run-split")).to_have_attribute("data-run-state", "failed")
    expect(page.locator(".banner--error").first).to_contain_text("bank")
    expect(page.locator(".banner--error").first).to_contain_text("410")
    picture(olive, "run-failed")

    patient_partner.accept("bank")
    patient_partner.hold("carrier")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("[data-step=carrier]")).to_have_attribute("data-state", "claimed")
    documents = len(olive.documents)
    patient_partner.release("carrier")
    expect(page.locator(".run-split")).to_have_attribute("data-run-state", "done")
    assert len(olive.documents) == documents
    told = three_calls.run(run)
    assert (told["state"], told["attempt"]) == ("done", 2)
    assert shown_steps(page) == told_steps(told)
    calls = {name: patient_partner.called(name, order) for name in ("warehouse", "bank", "carrier")}
    assert [len(found) for found in calls.values()] == [1, 2, 1], "only the failed call was repeated"
    assert len(set(calls["bank"])) == 1, "a repeated call carries the same webhook-id"
    picture(olive, "run-retried")


def test_a_run_that_is_cancelled_from_its_page_ends_at_once(olive, begun, three_calls, patient_partner):
    patient_partner.hold("warehouse")
    run, order = begun()
    eventually(lambda: patient_partner.called("warehouse", order), "the call to the warehouse")
    olive.open(f"/t/acme/runs/{run}")
    olive.page.get_by_role("button", name="Cancel", exact=True).click()
    olive.page.get_by_role("button", name="Cancel the run").click()
    expect(olive.page.locator(".run-split")).to_have_attribute("data-run-state", "cancelled")
    patient_partner.release("warehouse")
    assert three_calls.run(run)["state"] == "cancelled"
    assert patient_partner.called("bank", order) == []


@pytest.mark.spec("SPINE-B8.8")
def test_the_list_of_runs_announces_new_ones_and_puts_them_in_when_asked(olive, begun, patient_partner):
    begun()
    olive.open("/t/acme/runs")
    wait_for_live(olive.page, "connected")
    run, _ = begun()
    row = olive.page.locator(f"[data-row='{run}']")
    bar = olive.page.locator("#more-bar")
    expect(bar).to_contain_text("new")
    expect(row).to_have_count(0)
    bar.click()
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Done")
    assert len(olive.documents) == 1


@pytest.mark.spec("SPINE-B8.8")
def test_the_list_of_runs_catches_up_with_what_began_while_the_connection_was_lost(visit, wire, begun, patient_partner):
    olive = visit(CAST[0], url=wire.url)
    olive.expect_complaint(LOST)
    olive.open("/t/acme/runs")
    wait_for_live(olive.page, "connected")
    wire.cut()
    wait_for_live(olive.page, "offline")
    run, order = begun()
    eventually(lambda: patient_partner.called("carrier", order), "the call to the carrier")
    wire.restore()
    wait_for_live(olive.page, "connected")
    expect(olive.page.locator("#more-bar")).to_contain_text("new")
    olive.page.locator("#more-bar").click()
    expect(olive.page.locator(f"[data-row='{run}']")).to_have_count(1)


@pytest.mark.spec("SPINE-B8.4")
def test_the_numbers_of_home_change_by_themselves(olive, begun, patient_partner):
    assert olive.open("/t/acme/") == 200
    wait_for_live(olive.page, "connected")
    opened = len(olive.documents)
    runs = olive.page.locator(".stat").first.locator(".stat__value")
    before = runs.inner_text()
    begun()
    expect(runs).not_to_have_text(before)
    assert len(olive.documents) == opened
