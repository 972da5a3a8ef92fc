"""The health of a queue: grouped by what the document says, against the threshold it says (spec/modules.md 7.5)."""

import pytest
from pydantic import ValidationError

from apps.engine.ports import Resource
from apps.modules.catalog.http import _api_health
from apps.modules.catalog.http.api_handler import ApiHandler
from tests.unit.modules.catalog.http.rest_orders import ask, orders
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("CAT-B1.5", "CAT-B2", "api.handler")

HEALTH = "/api/orders/health"


async def filled(unit, *datas):
    for number, data in enumerate(datas):
        await unit.resources.save(Resource("orders", str(number), data, "new", unit.clock.now()))
    return unit


async def health(unit, said, claims=None):
    _, answer, _ = await ask(orders({"health": said}), unit, "GET", HEALTH, claims=claims)
    return {group["programId"]: group for group in answer["programs"]}, answer["alerts"]


async def test_groups_are_made_by_the_named_field_and_alert_over_the_number(unit):
    await filled(unit, {"lane": "a"}, {"lane": "a"}, {"lane": 2}, {})
    unit.clock.pass_seconds(30)
    groups, alerts = await health(unit, {"groupBy": "lane", "threshold": 1})
    assert {name: group["depth"] for name, group in groups.items()} == {"a": 2, "2": 1, "default": 1}
    assert (alerts, groups["a"]["alertThreshold"], groups["a"]["avgWaitSeconds"]) == (1, 1, 30.0)
    assert set(groups["a"]) == {
        *("programId", "programName", "depth", "queued"),
        *("avgWaitSeconds", "alertThreshold", "oldestMessageAt"),
    }


async def test_a_group_may_be_named_by_a_path_and_known_by_its_record(unit):
    await filled(unit, {"desk": {"id": "d1"}}, {"desk": {"id": "d1"}})
    await unit.resources.save(Resource("desks", "d1", {"name": "Front desk", "limits": {"depth": "1"}}))
    said = {"groupBy": "desk.id", "threshold": "limits.depth", "groupResource": "desks"}
    groups, alerts = await health(unit, said)
    assert (groups["d1"]["programName"], groups["d1"]["alertThreshold"], alerts) == ("Front desk", 1, 1)


@pytest.mark.parametrize("record", [{}, {"limits": {"depth": "many"}}, {"limits": {"depth": -1}}, {"limits": True}])
async def test_a_record_without_a_usable_threshold_leaves_ten(unit, record):
    await filled(unit, {"programId": "p"})
    await unit.resources.save(Resource("programs", "p", record))
    groups, _ = await health(unit, {"threshold": "limits.depth"})
    assert groups["p"]["alertThreshold"] == 10


async def test_only_what_the_caller_may_see_is_counted(unit):
    await filled(unit, {"userId": "u1"}, {"userId": "u2"})
    groups, _ = await health(unit, {}, claims={"sub": "u1"})
    assert groups["default"]["depth"] == 1


async def test_a_queue_of_more_than_a_page_is_counted_to_its_end(unit, monkeypatch):
    await filled(unit, *({"n": number} for number in range(2_500)))
    groups, alerts = await health(unit, {})
    assert (groups["default"]["depth"], alerts) == (2_500, 1)
    monkeypatch.setattr(_api_health, "MOST_COUNTED", 2_000)
    _, answer, _ = await ask(orders({"health": {}}), unit, "GET", HEALTH)
    assert (answer["programs"][0]["depth"], answer["isPartial"]) == (2_000, True)


async def test_without_health_a_collection_lists_there(unit):
    _, answer, _ = await ask(orders(), unit, "GET", HEALTH)
    assert answer == []


@pytest.mark.parametrize("threshold", [5, 5.0, "5", "a.b", "settings"])
def test_a_threshold_is_a_number_in_any_spelling_or_a_path(threshold):
    config = make(ApiHandler, {"health": {"threshold": threshold}}).config
    assert config.health.threshold in (5, threshold)


@pytest.mark.parametrize("threshold", [-1, True, "", [], 1e400, None])
def test_another_threshold_is_refused(threshold):
    with pytest.raises(ValidationError):
        make(ApiHandler, {"health": {"threshold": threshold}})
