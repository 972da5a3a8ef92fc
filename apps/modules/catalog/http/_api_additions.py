"""Sub-actions of `api.handler` that add to the data and leave the state alone: `tag` and `messages`."""

from collections.abc import Awaitable, Callable
from typing import Any

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.modules.catalog.http._api_answers import object_of, refused
from apps.modules.catalog.http._api_conversations import Conversing
from apps.modules.catalog.http._api_hooks import Hooks

MOST_TAGS = 200
LONGEST_TAG = 100
MOST_MESSAGES = 1_000
OUTBOUND = "outbound"
DIRECTIONS = ("inbound", OUTBOUND)

Addition = Callable[[Resource, FieldMapping, Request, Context, Hooks, Conversing | None], Awaitable[Response]]


async def add_tags(
    resource: Resource,
    fields: FieldMapping,
    request: Request,
    context: Context,
    hooks: Hooks,
    conversing: Conversing | None = None,
) -> Response:
    """Add `tag` and `tags` of the body to the (locked) resource; those that it has already are not added again."""
    body = object_of(request)
    wanted = [*([body["tag"]] if "tag" in body else []), *_listed(body.get("tags"))]
    if not wanted or not all(isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG for tag in wanted):
        message = f"must be a text of 1 to {LONGEST_TAG} characters"
        place = "/tags" if "tags" in body else "/tag"
        raise Rejected("Name the tags.", errors=[{"pointer": place, "message": message}], code="tags.bad")
    present = [tag for tag in fields.read_list(resource.data, "tags") if isinstance(tag, str)]
    tags = list(dict.fromkeys([*present, *wanted]))
    if len(tags) > MOST_TAGS:
        return refused(request, 409, "tags.too_many", f"A resource has at most {MOST_TAGS} tags.")
    _write(resource, fields, "tags", tags)
    await _store(resource, context)
    return Response.json({"success": True, "id": resource.key, "tags": tags})


async def add_message(
    resource: Resource,
    fields: FieldMapping,
    request: Request,
    context: Context,
    hooks: Hooks,
    conversing: Conversing | None = None,
) -> Response:
    """Add a message to the (locked) resource; it is numbered by its place among them."""
    body = object_of(request)
    text, direction = fields.read(body, "body"), body.get("direction", DIRECTIONS[0])
    if not isinstance(text, str) or not text:
        raise Rejected("Say the message.", errors=[{"pointer": "/body", "message": "is required"}], code="message.bad")
    if direction not in DIRECTIONS:
        errors = [{"pointer": "/direction", "message": f"is one of {', '.join(DIRECTIONS)}"}]
        raise Rejected("Which direction?", errors=errors, code="message.bad")
    messages = fields.read_list(resource.data, "messages")
    if len(messages) >= MOST_MESSAGES:
        return refused(request, 409, "messages.too_many", f"A resource has at most {MOST_MESSAGES} messages.")
    told = {
        "direction": direction,
        "status": "sent" if direction == OUTBOUND else "delivered",
        "timestamp": context.unit.clock.now().isoformat(),
    }
    sender = (request.claims or {}).get("sub") or body.get("userId") or body.get("responderId")
    people = {name: said for name, said in (("from", body.get("from")), ("sender", sender)) if said}
    message = {"body": text, **told, **people}
    _write(resource, fields, "messages", [*messages, message])
    if conversing is not None and direction != OUTBOUND:
        conversing.scan(resource, [text])
    await hooks.appended(resource, message, context)
    await _store(resource, context)
    answer = {"messageId": f"msg-{resource.key}-{len(messages) + 1}", "conversationId": resource.key, **told}
    return Response.json(answer, 201)


ADDITIONS: dict[str, Addition] = {"tag": add_tags, "messages": add_message}


def _listed(said: Any) -> list[Any]:
    if said is None:
        return []
    return said if isinstance(said, list) else [said]


def _write(resource: Resource, fields: FieldMapping, name: str, values: list[Any]) -> None:
    resource.data = dict(resource.data)
    fields.write(resource.data, name, values)


async def _store(resource: Resource, context: Context) -> None:
    resource.updated_at = context.unit.clock.now()
    await context.unit.resources.save(resource)
