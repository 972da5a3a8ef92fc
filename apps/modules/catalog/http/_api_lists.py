"""Lists of `api.handler`: pages in creation order, and views of another collection.

A list holds at most a thousand resources. With `?limit=` it holds fewer; when there is more, a `Link` header names the
next page.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.modules.catalog.http._api_answers import address_of, asked_for, enriched, may_see
from apps.modules.catalog.http._api_states import States

MOST = 1000


@dataclass(frozen=True, slots=True)
class Collection:
    """Which resources a handler lists, and the machine that they follow."""

    kind: str
    wanted: tuple[str, ...]  # states; empty for all
    fields: FieldMapping
    states: States

    def may_be_seen(self, resource: Resource, request: Request) -> bool:
        """Whether the caller may see a resource."""
        return may_see(resource.data, self.fields.read(resource.data, "userId"), request.claims)


async def answer_list(collection: Collection, request: Request, context: Context) -> Response:
    """Answer with the array of resources."""
    found, following = await read_page(collection, request, context)
    return _linked(Response.json(found), request, following)


async def answer_view(collection: Collection, request: Request, context: Context) -> Response:
    """Answer with another collection as a queue."""
    found, following = await read_page(collection, request, context)
    body = {"totalQueued": len(found), "count": len(found), "conversations": found}
    return _linked(Response.json(body), request, following)


async def read_page(
    collection: Collection, request: Request, context: Context
) -> tuple[list[dict[str, Any]], str | None]:
    """Return one page of what the caller may see and asked for, and the key to go on behind, None at the end.

    Every resource is told with the state and the data of its instance, and asked for by these too (spec 7.1 b).
    """
    limit = _limit(request)
    after = request.query.get("after")
    found: list[dict[str, Any]] = []
    while True:
        batch = await context.unit.resources.page(
            collection.kind, after=after, limit=limit + 1, states=collection.wanted
        )
        seen = [resource for resource in batch if collection.may_be_seen(resource, request)]
        instances = await collection.states.instances(seen, context)
        for resource in seen:
            told = enriched(resource, instances.get(resource.key))
            if not asked_for(told["data"], request.query):
                continue
            if len(found) == limit:
                return found, found[-1]["id"]
            found.append(told)
        if len(batch) <= limit:
            return found, None
        after = batch[-1].key


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
