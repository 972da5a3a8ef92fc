"""The page of links makes, removes and imports them, and shows a tenant its own."""

import pytest

from tests.integration.pages.browsing import Reader, reader_of, text_of
from tests.integration.workflows.documents import CLEAN
from tests.support.serving import deploy

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")
LINKS = "/workflows/orders/links"
WRONG = "links:\n  - {source: orders, target: nowhere, link_type: a.*}\n"


@pytest.fixture
def stock(two_tenants):
    """Make two workflows per tenant and return the second of the first."""
    made = [deploy(tenant, slug, CLEAN) for tenant in two_tenants for slug in ("orders", "stock")]
    return made[1]


def test_a_link_is_made_shown_at_both_ends_and_removed(two_tenants, stock):
    tenant, other = two_tenants
    reader = reader_of(tenant)
    fields = {"event_pattern": "order.*", "link_type": "event_trigger", "target": stock.id, "target_action": "p:go"}
    made = text_of(reader.post(LINKS, deed="create", **fields))
    assert "The link to stock is made." in made
    assert "order.* stock starts a run p:go" in made
    inward = reader.get("/workflows/stock/links").content.decode()
    assert "order.*" in inward
    identity = inward.partition('name="id" value="')[2][:36]
    assert "order.*" not in text_of(reader_of(other).get(LINKS))
    assert Reader(tenant, other.owner).get(LINKS).status_code == 404
    assert reader_of(other).post("/workflows/stock/links", deed="remove", id=identity).status_code == 404
    assert "is removed." in text_of(reader.post("/workflows/stock/links", deed="remove", id=identity))
    assert "Nothing leads from here" in text_of(reader.get(LINKS))


def test_what_is_wrong_with_a_link_or_a_document_is_said(two_tenants, stock):
    reader = reader_of(two_tenants[0])
    refused = text_of(reader.post(LINKS, deed="create", target=stock.id, link_type="event_trigger"))
    assert "`event_pattern` says what event_trigger takes in." in refused
    answer = reader.post(LINKS, deed="import", text=WRONG)
    said = text_of(answer)
    assert (answer.status_code, "line 2, column 22 links[0].target" in said) == (422, True)
    assert "There is no workflow 'nowhere'" in said
    assert WRONG.splitlines()[1].strip() in said
    done = text_of(reader.post(LINKS, deed="import", text=WRONG.replace("nowhere", "stock")))
    assert "1 made, 0 unchanged, 0 removed." in done


def test_a_viewer_sees_links_and_no_way_to_change_them(two_tenants, stock):
    tenant, _ = two_tenants
    reader_of(tenant).post(LINKS, deed="create", event_pattern="a", link_type="event_forward", target=stock.id)
    viewer = reader_of(tenant, "viewer")
    page = viewer.get(LINKS).content.decode()
    assert ("is published" in page, "Remove" in page, "Import" in page) == (True, False, False)
    assert viewer.post(LINKS, deed="import", text=WRONG).status_code == 403
