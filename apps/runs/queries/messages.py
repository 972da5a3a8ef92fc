"""Reads of messages and dead letters."""

from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.single import single
from apps.engine.redaction import Redactor
from apps.runs.models import Delivery, Message, Run
from apps.runs.queries.shown import redactors_of, value_of
from apps.runs.rules.sealing import MESSAGE_HEADERS, MESSAGE_PAYLOAD, RUN_ERROR
from apps.tenants.queries import environment_get, environment_list

UNHEARD = {
    "code": "delivery.unheard",
    "message": "The message, or what is live and would take it in, was not there any more.",
}


def message_list(
    *, environment: str | None = None, topic: str | None = None, after: UUID | None = None, limit: int = USUAL_PAGE
) -> Page[dict[str, Any]]:
    """Return messages, newest first, without their payloads; raise `NotFound` for an unknown environment."""
    rows = Message.objects.defer("payload", "headers")
    if environment is not None:
        rows = rows.filter(environment_id=environment_get(name=environment).id)
    if topic is not None:
        rows = rows.filter(topic=topic)
    page = by_id(rows, after=after, limit=limit)
    if not page.items:
        return Page([], None)
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactors = redactors_of((row.environment_id for row in page.items), places)
    return Page([_line(row, environments, redactors[row.environment_id]) for row in page.items], page.next)


def message_get(*, message_id: UUID) -> dict[str, Any]:
    """Return one message with its payload, who has yet to handle it, and the runs that did; raise `NotFound`."""
    row = single(Message.objects.filter(id=message_id))
    if row is None:
        raise NotFound("There is no such message.")
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactor = redactors_of([row.environment_id], places)[row.environment_id]
    runs = Run.objects.filter(correlation=str(row.id)).order_by("-id").values("id", "workflow_name", "state", "dead_at")
    return {
        **_line(row, environments, redactor),
        "payload": value_of(row.payload, MESSAGE_PAYLOAD, redactor),
        "headers": value_of(row.headers, MESSAGE_HEADERS, redactor),
        "deliveries": [_delivery(delivery) for delivery in Delivery.objects.filter(message_id=row.id).order_by("id")],
        "runs": [
            {
                "id": str(run["id"]),
                "subscription": run["workflow_name"],
                "state": run["state"],
                "dead_at": None if run["dead_at"] is None else run["dead_at"].isoformat(),
            }
            for run in runs
        ],
    }


def dead_letter_list(*, after: UUID | None = None, limit: int = USUAL_PAGE) -> Page[dict[str, Any]]:
    """Return deliveries that finally failed, newest first, each with its message's topic and its run's error."""
    page = by_id(Delivery.objects.filter(dead_at__isnull=False), after=after, limit=limit)
    topics = dict(Message.objects.filter(id__in=[row.message_id for row in page.items]).values_list("id", "topic"))
    runs = Run.objects.filter(id__in=[row.run_id for row in page.items if row.run_id])
    failed = list(runs.values_list("id", "environment_id", "error"))
    concerned = [*(row.environment_id for row in page.items), *(place for _, place, _ in failed)]
    redactors = redactors_of(concerned, environment_list() if concerned else ())
    errors = {run_id: value_of(error, RUN_ERROR, redactors[place]) for run_id, place, error in failed}
    return Page(
        [
            {
                **_delivery(row),
                "topic": redactors[row.environment_id].text(topics.get(row.message_id, "")),
                "error": UNHEARD if row.run_id is None else errors.get(row.run_id),
            }
            for row in page.items
        ],
        page.next,
    )


def _line(row: Message, environments: dict[UUID, str], redactor: Redactor) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "environment": environments.get(row.environment_id, ""),
        "workflow_id": str(row.workflow_id),
        "run_id": None if row.run_id is None else str(row.run_id),
        "topic": redactor.text(row.topic),
        "key": redactor.tree(row.key),
        "published_at": row.published_at.isoformat(),
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "message_id": str(row.message_id),
        "workflow_id": str(row.workflow_id),
        "subscription": row.subscription,
        "run_id": None if row.run_id is None else str(row.run_id),
        "replays": row.replays,
        "dead_at": None if row.dead_at is None else row.dead_at.isoformat(),
    }
