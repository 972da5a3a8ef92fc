"""``manage.py demo_traffic``: a gentle stream of orders into both demo tenants, good ones and bad ones."""

import argparse
import json
import random
import time
import urllib.error
import urllib.request
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.management.local.demo import ORDERS_PATH, TENANTS

PAUSE_SECONDS = (2.0, 6.0)
ANSWER_SECONDS = 10.0
GOODS = (("TEA-1", 4.5), ("TEA-2", 6.25), ("CUP-1", 12.0), ("POT-3", 39.9))
PEOPLE = ("Ada", "Grace", "Edsger", "Barbara", "Alan")
MISHAPS = ("out_of_stock", "decline", "carrier_down")
MISHAP_RATE, MISTAKE_RATE = 0.2, 0.1


class Command(BaseCommand):
    """Posts an order every few seconds until it is stopped; `dev` starts it unless told to be quiet."""

    help = "Post demo orders at a running product."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where the product is."""
        parser.add_argument("--url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Post, pause, for ever; what fails is told once, not at every try."""
        chance = random.Random()  # noqa: S311 - demo data, not secrets
        last_problem = ""
        while True:
            tenant = chance.choice(TENANTS)
            problem = _post(f"{options['url']}/w/{tenant}/{ORDERS_PATH}", _order(chance))
            if problem and problem != last_problem:
                self.stderr.write(problem)
            last_problem = problem
            time.sleep(chance.uniform(*PAUSE_SECONDS))


def _order(chance: random.Random) -> dict[str, Any]:
    sku, price = chance.choice(GOODS)
    order: dict[str, Any] = {
        "customer": chance.choice(PEOPLE),
        "items": [{"sku": sku, "quantity": chance.randint(1, 5), "price": price}],
    }
    if chance.random() < MISHAP_RATE:
        order["simulate"] = chance.choice(MISHAPS)
    if chance.random() < MISTAKE_RATE:
        order["items"][0]["quantity"] = 0
    return order


def _post(url: str, order: dict[str, Any]) -> str:
    """What went wrong that was not the order's own fault; empty when nothing did."""
    request = urllib.request.Request(  # noqa: S310 - the address dev gave us
        url, json.dumps(order).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310
            return ""
    except urllib.error.HTTPError as answer:
        return f"{url} answered {answer.code}" if answer.code == 404 or answer.code >= 500 else ""
    except OSError as problem:
        return f"{url} does not answer: {problem}"
