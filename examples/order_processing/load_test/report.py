"""Count what became of every order: what was answered, what the database holds, what the partner heard."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from examples.order_processing.load_test.killer import Killer
from examples.order_processing.load_test.orders import Order, Tag, make_orders
from examples.order_processing.load_test.product import Product, wait_until
from examples.order_processing.load_test.sender import Reply
from examples.order_processing.load_test.traces import (
    FINAL_INSTANCES,
    INSTANCE,
    ORDERS,
    RESOURCE,
    deliveries,
    faults,
    marked,
    traces_in_database,
    traces_with_partner,
)

EXPECTED_STATUS = {"valid": {201}, "duplicate": {201}, "invalid": {400, 422}, "oversized": {413}, "malformed": {400}}


class Load:
    """The orders of one load and what tells them from all others in the same product."""

    def __init__(self, product: Product, count: int, chance: random.Random) -> None:
        self.product = product
        self.tag = Tag()
        self.orders = make_orders(count, product.tenants, chance, self.tag)
        self.began = product.now()


@dataclass(slots=True)
class Report:
    """The figures of one load; `faults` is empty when nothing was lost, doubled or stuck."""

    sent: int
    resent: int
    accepted: int = 0
    final: int = 0
    notified: int = 0
    repeated: int = 0
    lost: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    stolen_steps: int = 0  # finished by another worker than the one that first claimed them
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


def build_report(
    load: Load, replies: Sequence[Reply], killer: Killer | None = None, *, settle_seconds: float
) -> Report:
    """Wait for the last order to end, then compare answers, database and deliveries."""
    report = Report(sent=len(load.orders), resent=sum(reply.tries - 1 for reply in replies))
    accepted = _check_answers(load.orders, replies, report)
    report.accepted = len(accepted)
    wait_until(lambda: _is_settled(load), settle_seconds, pause=1.0)
    _check_traces(load, accepted, report)
    _check_runs(load, report)
    if killer is not None:
        _check_kills(killer, report)
    return report


def _check_kills(killer: Killer, report: Report) -> None:
    report.kills = dict(Counter(killer.done))
    if len(killer.done) < killer.wanted:
        report.faults.append(f"only {len(killer.done)} of {killer.wanted} kills were carried out")
    if killer.without_claim:
        report.faults.append(f"{killer.without_claim} kills fell without a step claimed by a live worker")
    if killer.wanted and not report.stolen_steps:
        report.faults.append("no step was ever taken over from a killed worker (no epoch above its attempt)")


def _check_answers(orders: Sequence[Order], replies: Sequence[Reply], report: Report) -> dict[str, str]:
    """Return key and id of every order that an answer accepted."""
    accepted: dict[str, str] = {}
    for order, reply in zip(orders, replies, strict=True):
        if reply.status not in EXPECTED_STATUS[order.kind]:
            report.faults.append(f"{order.kind} order {order.key}: answered {reply.status} {reply.body[:200]!r}")
            continue
        if order.kind in ("valid", "duplicate"):
            order_id = json.loads(reply.body)["id"]
            if accepted.setdefault(order.key, order_id) != order_id:
                report.faults.append(f"key {order.key} made two orders: {accepted[order.key]} and {order_id}")
        elif not _is_located(order.kind, reply.body):
            report.faults.append(f"{order.kind} order {order.key}: the error names no place: {reply.body[:200]!r}")
    return accepted


def _is_located(kind: str, body: bytes) -> bool:
    problem = json.loads(body)
    if kind == "oversized":
        return bool(problem.get("detail") or problem.get("limit"))
    errors = problem.get("errors") or []
    return bool(errors) and all("pointer" in error and error.get("message") for error in errors)


def _is_settled(load: Load) -> bool:
    """Whether the partner has heard of every order in the database, answered or not, and nothing runs any more."""
    made = sum(1 for _ in marked(load.product, ORDERS, RESOURCE, load.tag.text, load.began))
    told = {order_id for _, order_id, _ in deliveries(load.product, load.tag.key_in)}
    return len(told) >= made and _unfinished_runs(load.product) == 0


def _check_traces(load: Load, accepted: Mapping[str, str], report: Report) -> None:
    told = traces_with_partner(load.product, load.tag.key_in)
    report.notified = len(set(accepted) & set(told))
    report.lost = report.accepted - report.notified
    report.repeated = len(list(deliveries(load.product, load.tag.key_in))) - sum(map(len, told.values()))
    traces = traces_in_database(load.product, load.tag.text, load.tag.key_in, load.began)
    report.faults += faults(accepted, {**traces, "deliveries": told})


def _unfinished_runs(product: Product) -> int:
    return product.total("select count(*) from runs_run where state not in ('done', 'failed', 'cancelled')")


def _check_runs(load: Load, report: Report) -> None:
    report.final = sum(1 for _ in marked(load.product, FINAL_INSTANCES, INSTANCE, load.tag.text, load.began))
    if report.final != report.accepted:
        report.faults.append(f"{report.accepted} orders were accepted, {report.final} have reached a final state")
    nameless = load.product.total(
        "select count(*) from runs_run where state not in ('done', 'failed', 'cancelled') and wait_reason is null"
        " and not exists (select 1 from runs_work w where w.run_id = runs_run.id)"
    )
    if nameless:
        report.faults.append(f"{nameless} runs have neither a final state nor a reason nor a ready step")
    report.stolen_steps = load.product.total(
        "select count(*) from runs_step where epoch > attempt and started_at >= %s", (load.began,)
    )
