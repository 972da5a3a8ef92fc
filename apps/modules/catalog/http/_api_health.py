"""The health of a queue (`api.handler`, spec/modules.md 7.5): what waits per group, since when, who is over the limit.

Resources are counted, not kept; a queue longer than `MOST_COUNTED` is counted so far and says so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.engine.fields import FieldMapping, lookup
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.ports import Resource
from apps.modules.catalog.http._api_answers import asked_for
from apps.modules.catalog.http._api_config import PROGRAM, QueueHealth, as_number
from apps.modules.catalog.http._api_lists import MOST, Collection

MOST_COUNTED = 20_000
DEFAULT_THRESHOLD = 10
NO_GROUP = "default"


@dataclass(slots=True)
class _Group:
    """What is known of one group while its resources go by."""

    title: str = ""  # what the resources call it
    depth: int = 0
    seconds: float = 0.0  # waited in all, by those whose beginning is known
    known: int = 0
    oldest: datetime | None = None

    def add(self, since: datetime | None, now: datetime) -> None:
        """Count one resource."""
        self.depth += 1
        if since is not None:
            self.known += 1
            self.seconds += max(0.0, (now - since).total_seconds())
            self.oldest = since if self.oldest is None else min(self.oldest, since)


async def answer_queue_health(
    collection: Collection, health: QueueHealth, request: Request, context: Context
) -> Response:
    """Answer how many resources wait per group, since when, and how many groups are over their threshold."""
    groups: dict[str, _Group] = {}
    is_whole = await _count(groups, collection, health, request, context)
    told = [await _told(name, groups[name], health, context) for name in sorted(groups)]
    alerts = sum(group["depth"] > group["alertThreshold"] for group in told)
    return Response.json({"programs": told, "alerts": alerts, **({} if is_whole else {"isPartial": True})})


async def _count(
    groups: dict[str, _Group], collection: Collection, health: QueueHealth, request: Request, context: Context
) -> bool:
    """Count what the caller may see into `groups`; say whether all of it was counted."""
    now, after = context.unit.clock.now(), None
    for _ in range(MOST_COUNTED // MOST):
        batch = await context.unit.resources.page(collection.kind, after=after, limit=MOST, states=collection.wanted)
        for resource in batch:
            if collection.may_be_seen(resource, request) and asked_for(resource.data, request.query):
                group = groups.setdefault(_group(resource.data, collection.fields, health), _Group())
                if health.group_by == PROGRAM and not group.title:
                    group.title = str(collection.fields.read(resource.data, "programName") or "")
                group.add(_since(resource, collection.fields), now)
        if len(batch) < MOST:
            return True
        after = batch[-1].key
    return False


def _group(data: dict[str, Any], fields: FieldMapping, health: QueueHealth) -> str:
    """Return the group of a resource; a logical name of the field mapping goes before a path into the data."""
    found = fields.read(data, health.group_by)
    found = lookup(data, health.group_by) if found is None else found
    return str(found) if isinstance(found, str | int | float) and found != "" else NO_GROUP


async def _told(name: str, group: _Group, health: QueueHealth, context: Context) -> dict[str, Any]:
    record = await context.unit.resources.get(health.group_resource, name)
    data = record.data if record is not None else {}
    answer: dict[str, Any] = {
        "programId": name,
        "programName": group.title or str(data.get("name") or name),
        "depth": group.depth,
        "queued": group.depth,
        "avgWaitSeconds": round(group.seconds / group.known, 3) if group.known else 0,
        "alertThreshold": _threshold(data, health.threshold),
    }
    return answer | {"oldestMessageAt": group.oldest.isoformat()} if group.oldest is not None else answer


def _threshold(record: dict[str, Any], wanted: float | str) -> float:
    """Return the depth above which a group alerts: the number itself, or what stands in the group's record."""
    if not isinstance(wanted, str):
        return wanted
    found = as_number(lookup(record, wanted))
    return DEFAULT_THRESHOLD if found is None else found


def _since(resource: Resource, fields: FieldMapping) -> datetime | None:
    said = fields.read_text(resource.data, "createdAt")
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return resource.created_at
    return moment if moment.tzinfo else resource.created_at
