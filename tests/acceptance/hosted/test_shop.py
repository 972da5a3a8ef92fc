"""The shop in the running product: every way an order can end, over the links, and what the partners saw of it."""

import uuid

import pytest

from tests.support.hosted import assert_unseen, eventually
from tests.support.shop import close_shop, install

pytestmark = [pytest.mark.spec("SPINE-3", "CAT-B2", "CAT-5"), pytest.mark.slow]

WANTED = {"sku": "bowl", "quantity": 2, "customer": "Ada", "destination": "Oslo", "card": "tok-good"}
ENDS = ("shipped", "refused", "declined", "refunded")
PARTS = ("shop-catalogue", "shop-orders", "shop-shipping", "shop-notices", "shop")


class Shop:
    """One tenant's shop as a customer uses it."""

    def __init__(self, tenant, page):
        self.tenant = tenant
        self.page = page
        self.parts = {slug: tenant.workflow(slug) for slug in PARTS}

    def left(self, sku):
        products = self.parts["shop-catalogue"].call("GET", "/products").json["products"]
        return next(product["remaining"] for product in products if product["sku"] == sku)

    def order(self, **changes):
        key = str(uuid.uuid4())
        made = self.parts["shop-orders"].call("POST", "/orders", {**WANTED, **changes}, Idempotency_Key=key)
        assert made.status == 201, made.body
        return made.json["id"]

    def end_of(self, order):
        def look():
            shown = self.parts["shop-orders"].call("GET", f"/orders/{order}").json
            return shown if shown["state"] in ENDS else None

        return eventually(look, f"the end of order {order}")

    def notices(self, order, last):
        """Return the states of all notices once the last one is there."""

        def look():
            notices = self.parts["shop-notices"].call("GET", f"/orders/{order}/notices").json["notices"]
            states = [notice["id"] for notice in notices]
            return states if last in states else None

        return eventually(look, f"the notice that order {order} is {last}")


@pytest.fixture(scope="module")
def shops(tenants, shop_partners):
    """The shop of each tenant, put live by the one command."""
    yield [Shop(tenant, install(tenant, shop_partners)) for tenant in tenants]
    for tenant in tenants:
        close_shop(tenant)


def test_a_good_order_is_paid_once_and_shipped_with_a_notice_and_the_other_tenant_sees_nothing(shops, shop_partners):
    mine, other = shops
    before = mine.left("bowl"), other.left("bowl")
    order = mine.order()
    ended = mine.end_of(order)
    assert ended["state"] == "shipped"
    assert ended["data"]["total"] == 2900
    assert mine.notices(order, "shipped") == ["validating", "paid", "shipped"]
    (payment,) = shop_partners.taken("payments", order)
    (parcel,) = shop_partners.taken("parcels", order)
    assert (payment["amount"], parcel["destination"], parcel["id"]) == (2900, "Oslo", ended["data"]["trackingNumber"])
    assert shop_partners.taken("refunds", order) == []
    assert (mine.left("bowl"), other.left("bowl")) == (before[0] - 2, before[1])
    assert other.parts["shop-orders"].call("GET", f"/orders/{order}").status == 404
    assert other.parts["shop-notices"].call("GET", f"/orders/{order}/notices").json == {"notices": []}
    for part in mine.parts.values():
        assert_unseen(part, other.tenant)


def test_an_order_that_no_carrier_takes_is_refunded_once_and_its_goods_are_back(shops, shop_partners):
    for shop in shops:
        before = shop.left("teapot")
        order = shop.order(sku="teapot", destination="Atlantis")
        assert shop.end_of(order)["state"] == "refunded"
        assert shop.notices(order, "refunded") == ["validating", "paid", "refunding", "refunded"]
        (payment,) = shop_partners.taken("payments", order)
        (refund,) = shop_partners.taken("refunds", order)
        assert (
            (refund["paymentId"], refund["amount"]) == (payment["id"], payment["amount"]) == (refund["paymentId"], 7800)
        )
        assert shop_partners.taken("parcels", order) == []
        eventually(lambda place=shop, stock=before: place.left("teapot") == stock, "the teapots are back")


def test_an_order_that_the_bank_declines_costs_nothing_and_holds_nothing(shops, shop_partners):
    shop = shops[0]
    before = shop.left("honey")
    order = shop.order(sku="honey", card="tok-empty")
    assert shop.end_of(order)["state"] == "declined"
    assert shop.notices(order, "declined") == ["validating", "declined"]
    assert shop_partners.taken("payments", order) == shop_partners.taken("refunds", order) == []
    eventually(lambda: shop.left("honey") == before, "the honey is back")


def test_the_last_pieces_are_sold_once(shops, shop_partners):
    shop = shops[1]
    assert shop.left("compass") == 2
    orders = [shop.order(sku="compass") for _ in range(3)]
    assert sorted(shop.end_of(order)["state"] for order in orders) == ["refused", "refused", "shipped"]
    assert shop.left("compass") == 0
    assert [len(shop_partners.taken("payments", order)) for order in orders].count(1) == 1


def test_installing_again_leaves_alone_what_is_as_it_should_be(shops, shop_partners):
    shop = shops[0]
    before = {slug: shop.tenant.items(f"workflows/{part.id}/versions") for slug, part in shop.parts.items()}
    stock = shop.left("candle")
    assert install(shop.tenant, shop_partners) == shop.page
    after = {slug: shop.tenant.items(f"workflows/{part.id}/versions") for slug, part in shop.parts.items()}
    assert after == before
    assert shop.left("candle") == stock
