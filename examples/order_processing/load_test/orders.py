"""The orders of a load: what is sent and what must come back."""

import json
import random
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OVERSIZED_BYTES = 1_100_000  # a little over the platform's 1 MiB limit


@dataclass(frozen=True, slots=True)
class Order:
    """One request; `kind` says what must come of it. A duplicate repeats the key and body of an earlier order.

    `key` goes out as Idempotency-Key and, in the customer's name, through everything that is made of the order.
    """

    kind: str  # valid, invalid, duplicate, oversized, malformed
    tenant: str
    key: str
    body: bytes


class Tag:
    """What marks every order of one load, so that its traces are told from all others in the same database."""

    def __init__(self) -> None:
        self.text = f"load-{uuid.uuid4().hex[:12]}"
        self._key = re.compile(rf"{self.text}-[0-9a-f]{{32}}")

    def key(self, chance: random.Random) -> str:
        """Make the key of one order."""
        return f"{self.text}-{chance.getrandbits(128):032x}"

    def key_in(self, text: str) -> str:
        """Return the key of the order that `text` tells of; empty when it is of no order of this load."""
        found = self._key.search(text)
        return found[0] if found else ""


def make_orders(count: int, tenants: Sequence[str], chance: random.Random, tag: Tag) -> list[Order]:
    """Return `count` orders, about two thirds valid, the kinds and tenants mixed by `chance`."""
    orders: list[Order] = []
    for number in range(count):
        tenant = tenants[number % len(tenants)]
        kind = chance.choices(["valid", "invalid", "duplicate", "oversized", "malformed"], weights=[66, 12, 12, 2, 8])[
            0
        ]
        earlier = [order for order in orders if order.kind == "valid" and order.tenant == tenant]
        if kind == "duplicate" and earlier:
            original = chance.choice(earlier)
            orders.append(Order("duplicate", tenant, original.key, original.body))
        else:
            kind = "valid" if kind == "duplicate" else kind
            key = tag.key(chance)
            orders.append(Order(kind, tenant, key, _body(kind, key, chance)))
    return orders


def _body(kind: str, key: str, chance: random.Random) -> bytes:
    if kind == "malformed":
        cut_short = f'{{"customer": "Ann {key}", "items": ['.encode()
        return chance.choice([cut_short, b"customer=Ann", b'{"customer": }', b"\xff\xfe{}"])
    order = _valid(key, chance)
    if kind == "invalid":
        _spoil(order, chance)
    if kind == "oversized":
        order["customer"] += "x" * OVERSIZED_BYTES
    return json.dumps(order).encode()


def _valid(key: str, chance: random.Random) -> dict[str, Any]:
    order: dict[str, Any] = {
        "customer": f"{chance.choice(['Ann', 'Bo', 'Cleo', 'Dmitri'])} {key}",
        "items": [
            {
                "sku": f"sku-{chance.randint(1, 50)}",
                "quantity": chance.randint(1, 9),
                "price": round(chance.uniform(1, 400), 2),
            }
            for _ in range(chance.randint(1, 4))
        ],
    }
    simulated = chance.choices([None, "out_of_stock", "decline", "carrier_down"], weights=[85, 5, 5, 5])[0]
    return order | ({"simulate": simulated} if simulated else {})


def _spoil(order: dict[str, Any], chance: random.Random) -> None:
    match chance.randrange(4):
        case 0:
            order["items"] = []
        case 1:
            order["items"][0]["quantity"] = 0
        case 2:
            order["email"] = order.pop("customer")
        case _:
            order["surprise"] = True
