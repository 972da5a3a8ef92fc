"""What holds on every page: it fits a phone, complains about nothing, and calls nobody outside."""

import json

import pytest

from apps.core.management.local import browsing
from apps.core.management.local.demo import CAST, ORDER, WORKFLOW
from tests.e2e.conftest import PHONE, WIDE, picture
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
# Resolves when the page has been drawn anew.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
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


@pytest.mark.spec("SPINE-B8.2")
def test_every_page_fits_a_phone_complains_about_nothing_dark_or_light_and_calls_nobody_outside(visit, shots):
    someone = visit(CAST[0])
    page, found = someone.page, {}

    def note(shot, look, wrong):
        if wrong:
            found[f"{shot.name}, {look}"] = wrong
            someone.complaints.clear()

    by_path = {shot.path: shot for shot in [*shots, *browsing.public_shots()[:1]]}  # some are of one page
    for shot in by_path.values():
        page.goto("about:blank")
        turn(page, "dark", PHONE)
        assert someone.open(shot.path) == 200, shot.name
        page.wait_for_load_state("networkidle")
        if wide := wider_than(page, PHONE):
            picture(someone, f"phone-{shot.name}")
        note(shot, "dark on a phone", [*someone.troubles(), *wide])
        turn(page, "light", WIDE)
        page.evaluate(DRAWN)
        note(shot, "light on a desk", someone.troubles())
    assert found == {}


@pytest.fixture
def long_names(tenants):
    """The address of a workflow of Globex whose name and description are one word each; it is put away at the end."""
    globex = tenants[1]
    project = globex.items("projects")[0]["id"]
    made = globex.call("POST", f"projects/{project}/workflows", {"name": "W" * 110, "description": "D" * 300})
    assert made.status == 201
    yield f"workflows/{made.json['slug']}"
    assert globex.call("POST", f"workflows/{made.json['id']}/archive").status == 200


@pytest.mark.spec("SPINE-B8.2")
def test_a_name_of_one_long_word_fits_a_phone_and_a_desk(visit, long_names):
    someone = visit(CAST[1])
    found = []
    for size in (PHONE, (900, 800), WIDE):
        someone.page.set_viewport_size({"width": size[0], "height": size[1]})
        for path in ("workflows", "runs", long_names):
            assert someone.open(f"/t/{CAST[1].slug}/{path}") == 200
            found += wider_than(someone.page, size)
    assert found == []


def turn(page, theme, size):
    """Show the page in a theme and in a window of a size."""
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": size[0], "height": size[1]})


def wider_than(page, size):
    """Tell what stands out of a window of that size."""
    across = page.evaluate("document.documentElement.scrollWidth")
    return [f"{across} wide"] * (across > size[0]) + page.evaluate(WIDER_THAN_THE_WINDOW)[:5]
