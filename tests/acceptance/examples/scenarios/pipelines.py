"""Documents whose work is done by pipelines, stores and components."""

from tests.acceptance.examples.places import Place


async def price_quote(place: Place) -> None:
    """Sums, a discount from a hundred on, the rate of the country; a wrong item is named by its place."""
    items = [{"price": 30.0, "quantity": 4}]
    assert (await place.call("POST", "/quotes", {"items": items})).json == {
        "net": 120.0, "discount": 12.0, "rate": 19, "total": 128.52,
    }  # fmt: skip
    small = [{"price": 10, "quantity": 5}]
    french = (await place.call("POST", "/quotes", {"items": small, "country": "FR"})).json
    assert (french["net"], french["discount"], french["total"]) == (50, 0, 60)
    assert (await place.call("POST", "/quotes", {"items": small, "country": "US"})).json["total"] == 50
    wrong = await place.call("POST", "/quotes", {"items": [{"price": -1, "quantity": 0}]})
    assert wrong.status == 422
    assert {error["pointer"] for error in wrong.json["errors"]} == {"/items/0/price", "/items/0/quantity"}


async def nested_pipelines(place: Place) -> None:
    """Both addresses use the same sum and the same check."""
    assert (await place.call("POST", "/rectangles", {"a": 3, "b": 4})).json == {"area": 12}
    assert (await place.call("POST", "/boxes", {"width": 2, "depth": 3, "height": 4})).json == {"volume": 24}
    assert (await place.call("POST", "/rectangles", {"a": 3})).status == 422
    assert (await place.call("POST", "/boxes", {"width": 2, "depth": 0, "height": 4})).status == 422


async def address_labels(place: Place) -> None:
    """The label has no secrets of the order, the statistics not even the name."""
    delivery = {
        "person": "Ada",
        "street": "Mill Lane 1",
        "zip": "4711",
        "city": "Loom",
        "note": "the key is under the mat",
    }
    printed = (await place.call("POST", "/labels", {"order": {"delivery": delivery, "card": "1234"}})).json
    assert printed["label"] == {"name": "Ada", "street": "Mill Lane 1", "postcode": "4711", "city": "Loom"}
    assert printed["counted"] == {"zip": "4711", "city": "Loom"}
    assert (await place.call("POST", "/labels", {"order": {}})).status >= 400


async def stock_ledger(place: Place) -> None:
    """Bookings add up, each article by itself, and a value that looks like SQL is a value."""
    assert (await place.call("PUT", "/ledger", {})).json == {"ready": True}
    for amount in (5, -2, 4):
        assert (await place.call("POST", "/ledger/tea", {"amount": amount})).status == 201
    assert (await place.call("GET", "/ledger/tea")).json == {"sku": "tea", "balance": 7, "bookings": 3}
    assert (await place.call("GET", "/ledger/x' or '1'='1")).json["bookings"] == 0
    assert (await place.call("POST", "/ledger/tea", {"amount": "many"})).status == 422


async def recipe_box(place: Place) -> None:
    """Saved, read, listed, thrown away."""
    assert (await place.call("GET", "/recipes/scones")).status == 404
    assert (await place.call("PUT", "/recipes/scones", {"flour": 225})).status == 204
    assert (await place.call("PUT", "/recipes/scones", {"flour": 250})).status == 204
    assert (await place.call("PUT", "/recipes/rarebit", {"cheese": 200})).status == 204
    assert (await place.call("GET", "/recipes/scones")).json == {"flour": 250}
    assert [each["id"] for each in (await place.call("GET", "/recipes")).json["items"]] == ["scones", "rarebit"]
    await place.call("DELETE", "/recipes/scones")
    assert (await place.call("GET", "/recipes/scones")).status == 404


async def first_contact(place: Place) -> None:
    """A sender comes back to the same conversation; a risk reaches the supervisors."""
    first = (await place.call("POST", "/texts", {"from": "+1", "body": "TEEN hello"})).json
    assert (first["program"], first["isNew"], first["level"]) == ("Teen Support", True, "low")
    again = (await place.call("POST", "/texts", {"from": "+1", "body": "I want to die"})).json
    assert (again["conversation"], again["isNew"], again["level"]) == (first["conversation"], False, "high")
    (alert,) = await place.until(lambda: place.handled("supervisors"), "the alert")
    assert alert.input["conversation"] == first["conversation"]
    assert [each["category"] for each in alert.input["alerts"]] == ["suicidal-ideation"]
    assert (await place.call("POST", "/texts", {"body": "who am I?"})).status == 422


async def mood_survey(place: Place) -> None:
    """Questions, answers, and what is still open for each person."""
    assert [question["id"] for question in (await place.call("GET", "/surveys/entry")).json] == ["feeling", "safe"]
    assert (await place.call("GET", "/surveys/none")).status == 422
    assert (await place.call("GET", "/people/ada")).json == ["entry", "exit"]
    assert (await place.call("POST", "/people/ada/entry", {"feeling": 4})).json == {"submitted": True}
    assert (await place.call("GET", "/people/ada")).json == ["exit"]
    assert (await place.call("GET", "/people/bob")).json == ["entry", "exit"]


async def sealed_letter(place: Place) -> None:
    """The key opens it, another does not."""
    letter = {"key": "one", "text": "meet me at noon", "to": "Ada"}
    assert (await place.call("PUT", "/letters/l1", letter)).json == {"sealed": ["text"]}
    assert (await place.call("POST", "/letters/l1/open", {"key": "one"})).json == {
        "text": "meet me at noon",
        "to": "Ada",
    }
    wrong = await place.call("POST", "/letters/l1/open", {"key": "two"})
    assert (wrong.status, [error["pointer"] for error in wrong.json["errors"]]) == (422, ["/data/text"])
