"""Lists of `api.handler`: pages in creation order, views of another collection, the health of a queue.

A list holds at most a thousand resources. With `?limit=` it holds fewer; when there is more, a `Link` header names the
next page.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.modules.catalog.http._api_answers import address_of, asked_for, may_see, shown

MOST = 1000
DEFAULT_THRESHOLD = 10


@dataclass(frozen=True, slots=True)
class Collection:
    """Which resources a handler lists."""

    kind: str
    states: tuple[str, ...]
    fields: FieldMapping

    def visible(self, resource: Resource, request: Request) -> bool:
        """Whether the caller may see a resource and asked for it."""
        owner = self.fields.read(resource.data, "userId")
        return may_see(resource.data, owner, request.claims) and asked_for(resource.data, request.query)


async def answer_list(collection: Collection, request: Request, context: Context) -> Response:
    """Answer with the array of resources."""
    found, following = await read_page(collection, request, context)
    return _linked(Response.json([shown(resource) for resource in found]), request, following)


async def answer_view(collection: Collection, request: Request, context: Context) -> Response:
    """Answer with another collection as a queue."""
    found, following = await read_page(collection, request, context)
    body = {"totalQueued": len(found), "count": len(found), "conversations": [shown(resource) for resource in found]}
    return _linked(Response.json(body), request, following)


async def read_page(collection: Collection, request: Request, context: Context) -> tuple[list[Resource], str | None]:
    """Return one page of what the caller may see, and the key to go on behind, None at the end."""
    limit = _limit(request)
    after = request.query.get("after")
    found: list[Resource] = []
    while True:
        batch = await context.unit.resources.page(
            collection.kind, after=after, limit=limit + 1, states=collection.states
        )
        for resource in batch:
            if not collection.visible(resource, request):
                continue
            if len(found) == limit:
                return found, found[-1].key
            found.append(resource)
        if len(batch) <= limit:
            return found, None
        after = batch[-1].key


async def answer_queue_health(collection: Collection, request: Request, context: Context) -> Response:
    """Answer how many resources wait per program, since when, and which programs are over their threshold."""
    found, _ = await read_page(collection, request, context)
    groups: dict[str, list[Resource]] = {}
    for resource in found:
        groups.setdefault(str(collection.fields.read(resource.data, "programId") or "default"), []).append(resource)
    programs = [await _program(collection, name, waiting, context) for name, waiting in sorted(groups.items())]
    alerts = sum(program["depth"] > program["alertThreshold"] for program in programs)
    return Response.json({"programs": programs, "alerts": alerts})


async def _program(collection: Collection, name: str, waiting: list[Resource], context: Context) -> dict[str, Any]:
    now = context.unit.clock.now()
    since = [moment for moment in (_created(collection, resource) for resource in waiting) if moment is not None]
    seconds = [max(0.0, (now - moment).total_seconds()) for moment in since]
    answer: dict[str, Any] = {
        "programId": name,
        "programName": str(collection.fields.read(waiting[0].data, "programName") or name),
        "depth": len(waiting),
        "queued": len(waiting),
        "avgWaitSeconds": round(sum(seconds) / len(seconds), 3) if seconds else 0,
        "alertThreshold": await _threshold(name, context),
    }
    return answer | {"oldestMessageAt": min(since).isoformat()} if since else answer


async def _threshold(program: str, context: Context) -> float:
    """Return the depth from which on a program alerts: `settings.queueAlertThreshold` of its record."""
    record = await context.unit.resources.get("programs", program)
    settings = record.data.get("settings") if record else None
    wanted = settings.get("queueAlertThreshold") if isinstance(settings, dict) else None
    return wanted if isinstance(wanted, int | float) and not isinstance(wanted, bool) else DEFAULT_THRESHOLD


def _created(collection: Collection, resource: Resource) -> datetime | None:
    said = collection.fields.read_text(resource.data, "createdAt")
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return resource.created_at
    return moment if moment.tzinfo else resource.created_at


def _limit(request: Request) -> int:
    said = request.query.get("limit")
    if said is None:
        return MOST
    if not said.isdecimal() or not 1 <= int(said[:9]) <= MOST:
        raise Rejected(
            f"limit must be a number from 1 to {MOST}.",
            errors=[{"pointer": "/limit", "message": "is out of range"}],
            code="query.limit",
        )
    return int(said)


def _linked(response: Response, request: Request, following: str | None) -> Response:
    """Name the next page in a `Link` header (RFC 8288)."""
    if following is not None:
        query = urlencode({**request.query, "limit": _limit(request), "after": following})
        link = f'<{address_of(request)}?{query}>; rel="next"'
        response.headers.append((b"link", link.encode()))
    return response
