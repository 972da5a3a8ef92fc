"""Getting in and being kept out: the sign-in form, other people's tenants, and what a viewer is not offered."""

import re
from email import message_from_bytes

import pytest
from playwright.sync_api import expect

from apps.core.management.local.demo import CAST, PASSWORD, WORKFLOW
from tests.support.hosted import eventually

pytestmark = pytest.mark.spec("SPINE-B3", "SPINE-B8")

VIEWER = "vera@acme.example"
PASSPHRASE = "a loom has many threads"
FAILURES_UNTIL_LOCKED = 5


def fill_in(page, email, password):
    """Send the sign-in form and wait for the page that answers."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


@pytest.mark.spec("SPINE-B8.3")
def test_a_wrong_password_is_named_and_the_right_one_leads_to_the_page_that_was_wanted(visit):
    stranger = visit()
    stranger.expect_complaint("401")
    page = stranger.page
    stranger.open(f"/t/globex/workflows/{WORKFLOW}")
    expect(page).to_have_url(re.compile("/sign-in"))
    fill_in(page, CAST[1].email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("Check both and try again")
    expect(page.get_by_label("E-mail address")).to_have_value(CAST[1].email)
    fill_in(page, CAST[1].email, PASSWORD)
    expect(page).to_have_url(re.compile(f"/t/globex/workflows/{WORKFLOW}$"))


@pytest.mark.spec("SPINE-B3.6")
def test_five_failures_lock_the_door_and_say_for_how_long(visit):
    stranger = visit()
    stranger.expect_complaint("401|429")
    page = stranger.page
    stranger.open("/sign-in")
    for _ in range(FAILURES_UNTIL_LOCKED):
        fill_in(page, "nobody@acme.example", "a guess")
        expect(page.get_by_role("alert")).to_contain_text("Check both and try again")
    fill_in(page, "nobody@acme.example", "a guess")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Try again in \d minutes?"))


@pytest.mark.spec("SPINE-B3.7")
def test_signing_out_closes_the_tenant(visit):
    someone = visit()
    page = someone.page
    someone.open("/sign-in")
    fill_in(page, CAST[1].email, PASSWORD)
    page.locator("[aria-label^=Account]").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()
    someone.open("/t/globex/")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_stranger_finds_nothing_at_the_addresses_of_another_tenant(omar, tenants):
    omar.expect_complaint("404")
    acme = tenants[0]
    workflow = acme.workflow(WORKFLOW)
    workflow.call("POST", "/orders", {"customer": "Ada", "items": [{"sku": "TEA-1", "quantity": 1, "price": 4.5}]})
    run = eventually(workflow.runs, "a run")[0]["id"]
    paths = ["", "workflows", f"workflows/{WORKFLOW}", "runs", f"runs/{run}", "instances", "messages", "settings"]
    assert {path: omar.open(f"/t/acme/{path}") for path in paths} == dict.fromkeys(paths, 404)
    assert omar.open(f"/t/globex/runs/{run}") == 404
    expect(omar.page.get_by_role("heading", level=1)).to_contain_text("nothing at this address")
    assert "Acme" not in omar.page.content()


@pytest.fixture
def viewer(olive, visit, product):
    """Somebody whom Acme's owner invites as a viewer, who follows the link in the mail."""
    olive.open("/t/acme/settings")
    olive.page.get_by_label("Invite by e-mail").fill(VIEWER)
    olive.page.get_by_label("Role", exact=True).select_option("viewer")
    olive.page.get_by_role("button", name="Send invitation").click()
    expect(olive.page.get_by_text(f"An invitation is on its way to {VIEWER}")).to_be_visible()

    def link():
        mails = (message_from_bytes(mail.read_bytes()) for mail in (product.folder / "data" / "mail").glob("*"))
        texts = ((mail.get_payload(decode=True) or b"").decode() for mail in mails)
        return next((found.group() for text in texts if (found := re.search(r"/invitations/\S+", text))), None)

    guest = visit()
    guest.open(eventually(link, "the mail"))
    guest.page.get_by_label("Your name").fill("Vera")
    guest.page.get_by_label("Choose a password").fill(PASSPHRASE)
    guest.page.get_by_role("button", name="Make the account and join").click()
    expect(guest.page).to_have_url(re.compile("/t/acme/$"))
    return guest


@pytest.mark.spec("SPINE-B3.10")
def test_an_invited_viewer_reads_everything_and_changes_nothing(viewer, tenants):
    viewer.expect_complaint("403")
    page = viewer.page
    viewer.open(f"/t/acme/workflows/{WORKFLOW}")
    expect(page.locator(".cm-content")).to_have_attribute("aria-readonly", "true")
    for name in ("Publish", "Deploy", "Save draft"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    before = tenants[0].items(f"workflows/{tenants[0].workflow(WORKFLOW).id}/versions")
    token = next(one["value"] for one in viewer.context.cookies() if one["name"] == "weft_csrf")
    path = f"/t/acme/api/v1/workflows/{tenants[0].workflow(WORKFLOW).id}/versions"
    refused = viewer.context.request.post(path, data={"note": "mine"}, headers={"X-CSRFToken": token})
    assert refused.status == 403, refused.text()
    assert tenants[0].items(f"workflows/{tenants[0].workflow(WORKFLOW).id}/versions") == before
    assert viewer.open("/t/acme/settings/keys") == 403
    expect(page.get_by_role("heading", level=1)).to_contain_text("You may not do this")
