"""The shop's partners know a repeat from news, as real ones do."""

import pytest

from tests.support.hosted import Visitor
from tests.support.shop import bank_and_carrier

pytestmark = pytest.mark.spec("SPINE-3")
PAYMENT = {"orderId": "o-1", "amount": 1450, "card": "tok-good"}


@pytest.fixture
def partners():
    with bank_and_carrier() as opened:
        yield opened


@pytest.fixture
def desk(partners):
    return Visitor(partners.url)


def test_what_is_sent_twice_is_taken_once(partners, desk):
    paid = [desk.call("POST", "/payments", PAYMENT, Idempotency_Key=key).json for key in ("o-1", "o-1", "o-2")]
    assert [answer["status"] for answer in paid] == ["approved"] * 3
    assert paid[0]["paymentId"] == paid[1]["paymentId"] != paid[2]["paymentId"]
    returned = [desk.call("POST", "/refunds", PAYMENT, webhook_id="w-1").json["refundId"] for _ in range(2)]
    assert returned == ["REF-0001", "REF-0001"]
    sent = [desk.call("PUT", "/parcels/o-1", {"destination": "Oslo"}).json["trackingNumber"] for _ in range(2)]
    assert sent == ["PAR-0001", "PAR-0001"]
    book = desk.call("GET", "/book").json
    assert {kind: len(entries) for kind, entries in book.items()} == {"payments": 2, "refunds": 1, "parcels": 1}
    assert partners.taken("parcels", "o-1") == book["parcels"]


def test_a_card_without_money_and_a_place_that_no_carrier_goes_to_leave_no_entry(desk):
    declined = desk.call("POST", "/payments", {**PAYMENT, "card": "tok-empty"}, Idempotency_Key="o-1").json
    assert declined == {"status": "declined", "paymentId": None}
    assert desk.call("POST", "/refunds", PAYMENT, webhook_id="w-1").json == {"refundId": None}
    assert desk.call("PUT", "/parcels/o-1", {"destination": "Atlantis"}).status == 422
    assert desk.call("GET", "/book").json == {"payments": [], "refunds": [], "parcels": []}


@pytest.mark.parametrize(("call", "body", "status"), [
    ("POST /payments", b"no json", 400), ("POST /payments", b"[]", 400), ("POST /refunds", b" " * 70_000, 400),
    ("POST /elsewhere", b"{}", 404), ("PUT /parcels/", b"{}", 404), ("GET /", None, 404),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(desk, call, body, status):
    method, _, path = call.partition(" ")
    assert desk.call(method, path, body).status == status
