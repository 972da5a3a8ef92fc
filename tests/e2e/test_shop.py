"""The shop's page at the tenant's own host: order, watch it being shipped, order again and see the money come back."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, WIDE, picture
from tests.support.shop import close_shop, install

pytestmark = pytest.mark.spec("SPINE-3", "CAT-B2", "CAT-5")


@pytest.fixture(scope="module")
def pages(tenants, shop_partners):
    """Where the page of each tenant's shop is."""
    yield [install(tenant, shop_partners) for tenant in tenants]
    for tenant in tenants:
        close_shop(tenant)


class Counter:
    """The shop's page as a customer sees it."""

    def __init__(self, visit, address):
        self.page = visit.page
        assert visit.open(urlsplit(address).path) == 200
        expect(self.page.locator(".product")).to_have_count(6)

    def left(self, sku):
        return self.page.locator(f"[data-sku={sku}] .left")

    def orders(self):
        return self.page.locator(".order")

    def order(self, product, *, deliver_to="Oslo", quantity=1, pay_with="a card with money"):
        """Fill in the form and place the order; return its card."""
        known = self.orders().count()
        self.page.get_by_role("button", name=f"Order {product}").click()
        self.page.get_by_label("Your name").fill("Ada")
        self.page.get_by_label("How many").fill(str(quantity))
        self.page.get_by_label("Deliver to").select_option(deliver_to)
        self.page.get_by_label("Pay with").select_option(pay_with)
        self.page.get_by_role("button", name="Place the order").click()
        expect(self.orders()).to_have_count(known + 1)
        return self.page.locator(f'[data-order="{self.orders().first.get_attribute("data-order")}"]')


def origin(address):
    return address.removesuffix(urlsplit(address).path)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_order_is_watched_until_it_is_shipped_and_another_until_it_is_paid_back(visit, pages, shop_partners, size):
    window, strangers = (visit(url=origin(address), size=size) for address in pages)
    mine, other = Counter(window, pages[0]), Counter(strangers, pages[1])
    before = mine.left("bowl").inner_text(), other.left("bowl").inner_text()
    shipped = mine.order("Stoneware bowl", quantity=2)
    expect(shipped).to_have_attribute("data-state", "shipped")
    expect(shipped.locator(".notices li").last).to_contain_text("is on its way to Oslo, parcel PAR-")
    expect(mine.left("bowl")).to_have_text(f"{int(before[0].split()[0]) - 2} left")

    lost = mine.order("Storm candle", deliver_to="Atlantis")
    expect(lost).to_have_attribute("data-state", "refunded")
    expect(lost.locator(".notices li").last).to_contain_text("Your money for Storm candle is back.")
    assert len(shop_partners.taken("refunds", lost.get_attribute("data-order"))) == 1
    assert mine.page.evaluate("document.documentElement.scrollWidth") == size[0]
    picture(window, f"shop-{size[0]}")

    mine.page.reload()
    expect(mine.orders()).to_have_count(2)
    expect(mine.orders().first).to_have_attribute("data-state", "refunded")
    other.page.reload()
    expect(other.left("bowl")).to_have_text(before[1])
    expect(other.orders()).to_have_count(0)


def test_a_card_without_money_costs_nothing(visit, pages, shop_partners):
    shop = Counter(visit(url=origin(pages[0])), pages[0])
    declined = shop.order("Rope basket", pay_with="a card without money")
    expect(declined).to_have_attribute("data-state", "declined")
    expect(declined.locator(".notices li").last).to_contain_text("Nothing was charged.")
    assert shop_partners.taken("payments", declined.get_attribute("data-order")) == []


def test_a_name_is_shown_as_text_and_never_run(visit, pages):
    shop = Counter(visit(url=origin(pages[0])), pages[0])
    shop.page.get_by_role("button", name="Order Lighthouse honey").click()
    shop.page.get_by_label("Your name").fill("<img src=x onerror=alert(1)>")
    shop.page.get_by_role("button", name="Place the order").click()
    expect(shop.orders().first.locator(".notices li").first).to_contain_text("Thank you, <img src=x onerror=alert(1)>.")
    assert shop.orders().first.locator("img").count() == 0


@pytest.mark.usefixtures("pages")
def test_where_scripts_are_barred_the_page_says_where_to_go(visit):
    barred = visit()
    barred.expect_complaint("Blocked script execution")
    assert barred.open("/w/acme/shop/") == 200
    expect(barred.page.locator(".banner")).to_be_visible()
    assert "at the tenant's own host" in barred.page.locator(".banner").inner_text()
    expect(barred.page.locator("main")).to_be_hidden()
