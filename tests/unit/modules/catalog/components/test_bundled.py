import uuid

import pytest

import apps.modules.catalog
from apps.engine.outcome import Rejected, TryAgain
from apps.engine.registry import discover

pytestmark = pytest.mark.spec("SPINE-B4")

COMPONENTS = discover(apps.modules.catalog).components
STEP = uuid.UUID("00000000-0000-5000-8000-000000000007")


def call(stem, unit, chance=None, **params):
    unit.clock.chances = [] if chance is None else [chance]
    return COMPONENTS[stem].start(params, unit.context(step_id=STEP))


def test_the_components_of_the_order_example_are_there():
    assert {"inventory_checker", "notification_sender", "payment_processor", "shipping_service"} <= set(COMPONENTS)


@pytest.mark.parametrize(
    ("stem", "chance", "params", "expected"),
    [
        ("inventory_checker", 0.89, {"items": [1]}, {"available": True}),
        ("inventory_checker", 0.90, {"items": [1]}, {"available": False, "reason": "out_of_stock"}),
        ("inventory_checker", None, {"items": [1], "simulate": "out_of_stock"}, {"available": False}),
        ("inventory_checker", None, {"items": [], "simulate": "ok"}, {"available": False}),
        ("payment_processor", 0.84, {"total": 9}, {"status": "approved", "total": 9, "currency": "EUR"}),
        ("payment_processor", 0.85, {}, {"status": "declined", "reason": "insufficient_funds"}),
        ("payment_processor", None, {"simulate": "ok"}, {"status": "approved", "transaction_id": f"pay-{STEP}"}),
        ("payment_processor", None, {"simulate": "decline"}, {"status": "declined"}),
        ("shipping_service", 0.94, {}, {"carrier": "Swift Parcel", "tracking_number": f"trk-{STEP}"}),
        ("shipping_service", None, {"simulate": "ok", "carrier": "Own"}, {"carrier": "Own"}),
        ("notification_sender", None, {"toState": "paid", "recipient": "a@b.example"}, {"template": "order_paid"}),
        ("notification_sender", None, {}, {"template": "order_updated", "notification_id": f"ntf-{STEP}"}),
    ],
)
def test_each_answers_by_chance_or_as_the_input_wishes(stem, chance, params, expected, unit):
    assert expected.items() <= call(stem, unit, chance, **params).items()


@pytest.mark.parametrize(
    ("stem", "chance", "params"),
    [
        ("inventory_checker", None, {"items": [1], "simulate": "error"}),
        ("payment_processor", 0.95, {}),
        ("payment_processor", None, {"simulate": "error"}),
        ("shipping_service", 0.95, {}),
        ("shipping_service", None, {"simulate": "error"}),
        ("shipping_service", None, {"simulate": "carrier_down"}),
    ],
)
def test_a_partner_that_does_not_answer_is_tried_again(stem, chance, params, unit):
    with pytest.raises(TryAgain):
        call(stem, unit, chance, **params)


@pytest.mark.parametrize("items", [None, "apple", {"a": 1}])
def test_a_call_against_the_contract_is_located(items, unit):
    with pytest.raises(Rejected) as refusal:
        call("inventory_checker", unit, items=items)
    assert refusal.value.errors[0]["pointer"] == "/items"
    assert (refusal.value.code, refusal.value.status) == ("component.contract", 422)


@pytest.mark.parametrize("params", [None, [1], "text"])
def test_params_that_are_no_object_count_as_empty(params, unit):
    assert COMPONENTS["notification_sender"].start(params, unit.context())["template"] == "order_updated"
