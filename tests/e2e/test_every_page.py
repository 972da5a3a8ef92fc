"""What holds on every page: it fits a phone, complains about nothing, and calls nobody outside."""

import json

import pytest

from apps.core.management.local import browsing
from apps.core.management.local.demo import CAST, ORDER, WORKFLOW
from tests.e2e.conftest import PHONE, picture
from tests.support.hosted import eventually

pytestmark = pytest.mark.spec("SPINE-B8")

WIDER_THAN_THE_WINDOW = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = element => element !== null && element !== document.body
    && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
  return [...document.body.querySelectorAll('*')]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > width + 1 && !scrolls(one))
    .map(one => `${one.tagName.toLowerCase()}.${one.className} ends at ${one.getBoundingClientRect().right}`);
}"""
NEVER_OPENED = frozenset({"not-here"})  # its answer is a 404, of which every browser complains


@pytest.fixture(scope="module")
def lively(tenants):
    """Acme after a good order and one that a carrier refused."""
    workflow = tenants[0].workflow(WORKFLOW)
    for more in ({}, {"simulate": "carrier_down"}):
        assert workflow.call("POST", "/orders", {**json.loads(ORDER), **more}).status == 201
    eventually(lambda: len(workflow.runs(state="done", source="message")) >= 4, "the notifications")


@pytest.fixture(scope="module")
def shots(chrome, cookies_of, product, lively):
    """Every page of the tenant, as the screenshots find them."""
    context = chrome.new_context(base_url=product.url)
    context.add_cookies(cookies_of(CAST[0]))
    found = [shot for shot in browsing.tenant_shots(context.new_page(), "acme") if shot.name not in NEVER_OPENED]
    context.close()
    return found


def test_the_pages_cover_the_portal(shots):
    wanted = {"home", "workflow", "workflow-runs", "runs", "run", "instances", "instance", "messages", "message"}
    assert wanted | {"schedules", "modules", "module", "settings", "settings-keys", "tenants"} <= {
        shot.name for shot in shots
    }


@pytest.fixture(scope="module")
def go_through(shots):
    """Return a function that opens every page and tells what is wrong with which, by what looks at each."""

    def through(someone, look=lambda shot: None):
        found = {}
        for shot in [*shots, *browsing.public_shots()[:1]]:
            someone.page.goto("about:blank")
            assert someone.open(shot.path) == 200, shot.name
            someone.page.wait_for_load_state("networkidle")
            if wrong := [*someone.troubles(), *(look(shot) or ())]:
                found[shot.name] = wrong
                someone.complaints.clear()
        return found

    return through


def test_no_page_complains_in_the_console_or_calls_anybody_outside(visit, go_through):
    someone = visit(CAST[0])
    someone.page.emulate_media(color_scheme="light")
    assert go_through(someone) == {}


@pytest.mark.spec("SPINE-B8.2")
def test_no_page_is_wider_than_a_phone_or_complains_when_it_is_dark(visit, go_through):
    someone = visit(CAST[0], size=PHONE)
    someone.page.emulate_media(color_scheme="dark")

    def wider(shot):
        across = someone.page.evaluate("document.documentElement.scrollWidth")
        if wide := [f"{across} wide"] * (across > PHONE[0]) + someone.page.evaluate(WIDER_THAN_THE_WINDOW)[:5]:
            picture(someone, f"phone-{shot.name}")
        return wide

    assert go_through(someone, wider) == {}
