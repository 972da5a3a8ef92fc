"""The portal from the keyboard."""

import json
import re

import pytest
from playwright.sync_api import expect

from apps.core.management.local.demo import ORDER, WORKFLOW
from tests.support.hosted import eventually

pytestmark = pytest.mark.spec("SPINE-B8")


@pytest.fixture(scope="module")
def some_runs(tenants):
    """Globex after an order."""
    workflow = tenants[1].workflow(WORKFLOW)
    assert workflow.call("POST", "/orders", json.loads(ORDER)).status == 201
    return eventually(lambda: len(workflow.runs(state="done")) >= 3 and workflow.runs(), "three runs")


def test_ctrl_k_finds_a_workflow_and_enter_opens_it(omar):
    omar.open("/t/globex/")
    omar.page.keyboard.press("Control+k")
    expect(omar.page.get_by_role("combobox", name="Find")).to_be_focused()
    omar.page.keyboard.type("order proc")
    offer = omar.page.get_by_role("option", name=re.compile("Order processing"))
    expect(offer).to_have_attribute("aria-selected", "true")
    omar.page.keyboard.press("Enter")
    expect(omar.page).to_have_url(re.compile(f"/t/globex/workflows/{WORKFLOW}$"))


def test_ctrl_k_finds_a_run_by_its_id(omar, some_runs):
    omar.open("/t/globex/")
    omar.page.keyboard.press("Control+k")
    omar.page.keyboard.type(some_runs[0]["id"])
    expect(omar.page.get_by_role("option").first).to_be_visible()
    expect(omar.page.get_by_role("option")).to_have_count(1)
    omar.page.keyboard.press("Enter")
    expect(omar.page).to_have_url(re.compile(f"/t/globex/runs/{some_runs[0]['id']}$"))


def test_a_question_mark_lists_the_keys_and_escape_closes_them(omar):
    omar.open("/t/globex/runs")
    omar.page.keyboard.press("?")
    dialog = omar.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Next or previous row")
    omar.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_j_and_k_walk_the_runs_and_enter_opens_one(omar, some_runs):
    omar.open("/t/globex/runs")
    rows = omar.page.locator("[data-rows] a[data-row-link]")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        omar.page.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
    wanted = rows.nth(1).get_attribute("href")
    omar.page.keyboard.press("Enter")
    expect(omar.page).to_have_url(re.compile(f"{wanted}$"))


def test_g_and_a_letter_go_to_a_page_but_not_while_typing(omar):
    omar.open("/t/globex/")
    omar.page.keyboard.press("g")
    omar.page.keyboard.press("r")
    expect(omar.page).to_have_url(re.compile("/t/globex/runs$"))
    omar.page.keyboard.press("/")
    correlation = omar.page.get_by_label("Correlation")
    correlation.focus()
    omar.page.keyboard.type("g w?")
    expect(correlation).to_have_value("g w?")
    expect(omar.page).to_have_url(re.compile("/t/globex/runs$"))
