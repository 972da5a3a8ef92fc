"""Count what became of every order."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from examples.order_processing.load_test.killer import Killer
from examples.order_processing.load_test.orders import Order
from examples.order_processing.load_test.product import Product, wait_until
from examples.order_processing.load_test.sender import Reply

EXPECTED_STATUS = {"valid": {201}, "duplicate": {201}, "invalid": {400, 422}, "oversized": {413}, "malformed": {400}}


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
    product: Product, orders: Sequence[Order], replies: Sequence[Reply], killer: Killer, *, settle_seconds: float
) -> Report:
    """Wait for the last order to end, then compare answers, database and deliveries."""
    report = Report(sent=len(orders), resent=sum(reply.tries - 1 for reply in replies))
    accepted = _check_answers(orders, replies, report)
    report.accepted = len(accepted)
    wait_until(lambda: len(_notified(product, accepted)) >= len(accepted), settle_seconds, pause=0.5)
    wait_until(lambda: _unfinished_runs(product) == 0, settle_seconds, pause=0.5)
    _check_deliveries(product, accepted, report)
    _check_database(product, accepted, report)
    report.kills = dict(Counter(killer.done))
    if len(killer.done) < killer.wanted:
        report.faults.append(f"only {len(killer.done)} of {killer.wanted} kills were carried out")
    if killer.without_claim:
        report.faults.append(f"{killer.without_claim} kills fell without a claimed step")
    if killer.wanted and not report.stolen_steps:
        report.faults.append("no step was ever taken over from a killed worker (no epoch above its attempt)")
    return report


def _check_answers(orders: Sequence[Order], replies: Sequence[Reply], report: Report) -> set[str]:
    accepted: set[str] = set()
    by_key: dict[str, str] = {}
    for order, reply in zip(orders, replies, strict=True):
        if reply.status not in EXPECTED_STATUS[order.kind]:
            report.faults.append(f"{order.kind} order {order.key}: answered {reply.status} {reply.body[:200]!r}")
            continue
        if order.kind in ("valid", "duplicate"):
            order_id = json.loads(reply.body)["id"]
            if by_key.setdefault(order.key, order_id) != order_id:
                report.faults.append(f"key {order.key} made two orders: {by_key[order.key]} and {order_id}")
            accepted.add(order_id)
        elif not _is_located(order.kind, reply.body):
            report.faults.append(f"{order.kind} order {order.key}: the error names no place: {reply.body[:200]!r}")
    return accepted


def _is_located(kind: str, body: bytes) -> bool:
    problem = json.loads(body)
    if kind == "oversized":
        return bool(problem.get("detail") or problem.get("limit"))
    errors = problem.get("errors") or []
    return bool(errors) and all("pointer" in error and error.get("message") for error in errors)


def _deliveries(product: Product) -> list[dict[str, Any]]:
    if not product.deliveries_file.exists():
        return []
    lines = product.deliveries_file.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _notified(product: Product, accepted: set[str]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for delivery in _deliveries(product):
        order_id = (delivery["body"] or {}).get("id")
        if order_id in accepted:
            ids.setdefault(order_id, set()).add(delivery["webhook_id"])
    return ids


def _check_deliveries(product: Product, accepted: set[str], report: Report) -> None:
    ids = _notified(product, accepted)
    calls = sum(1 for delivery in _deliveries(product) if (delivery["body"] or {}).get("id") in accepted)
    report.notified = len(ids)
    report.repeated = calls - sum(len(found) for found in ids.values())
    report.lost = len(accepted) - len(ids)
    if report.lost:
        report.faults.append(f"{report.lost} orders were never notified, e.g. {sorted(accepted - set(ids))[:3]}")
    for order_id, found in ids.items():
        if len(found) != 1:
            report.faults.append(f"order {order_id} was notified under {len(found)} different webhook-ids")


def _unfinished_runs(product: Product) -> int:
    return product.total("select count(*) from runs_run where state not in ('done', 'failed', 'cancelled')")


def _check_database(product: Product, accepted: set[str], report: Report) -> None:
    rows = product.ask("select key, completed from runs_instance where key = any(%s)", (sorted(accepted),))
    report.final = sum(1 for _, completed in rows if completed)
    if report.final != len(accepted):
        report.faults.append(f"{len(accepted) - report.final} orders have not reached a final state")
    nameless = product.total(
        "select count(*) from runs_run where state not in ('done', 'failed', 'cancelled') and wait_reason is null"
        " and not exists (select 1 from runs_work w where w.run_id = runs_run.id)"
    )
    if nameless:
        report.faults.append(f"{nameless} runs have neither a final state nor a reason nor a ready step")
    report.stolen_steps = product.total("select count(*) from runs_step where epoch > attempt")
