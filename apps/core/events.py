"""What happened, told to others: inside the transaction to upper apps, after the commit to everybody else.

`publish` writes an outbox row and calls the handlers registered with `on`, all in the open scope's transaction: a
failing handler fails the deed. Listeners registered with `after` are called by the relay once the deed is committed.
`notify` tells every process to drop what it has cached about one row.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from apps.core.audit import request_id
from apps.core.models import Outbox
from apps.core.scope import current_tenant

CHANNEL = "weft_changes"
KINDS = frozenset({"deployment", "key", "member", "tenant", "quota"})
LONGEST_WORD = 300

Handler = Callable[..., None]
Listener = Callable[[UUID, Mapping[str, Any]], None]

_handlers: dict[str, list[Handler]] = defaultdict(list)
_listeners: dict[str, list[Listener]] = defaultdict(list)


def publish(name: str, /, **payload: Any) -> None:
    """Say that `name` (past tense, dotted: `version.published`) happened; the payload is ids and words."""
    leave(Outbox.Kind.EVENT, name, payload)
    for handler in _handlers[name]:
        handler(**payload)


def on(name: str, handler: Handler) -> None:
    """Call `handler(**payload)` inside the transaction of every deed that publishes `name`."""
    if handler not in _handlers[name]:
        _handlers[name].append(handler)


def after(name: str, listener: Listener) -> None:
    """Have the relay call `listener(tenant_id, payload)` after the commit, at least once."""
    if listener not in _listeners[name]:
        _listeners[name].append(listener)


def listeners(name: str) -> tuple[Listener, ...]:
    """Return who listens to `name` after the commit."""
    return tuple(_listeners[name])


def notify(kind: str, tenant_id: UUID, id: UUID) -> None:
    """Tell every process, when this transaction commits, that the row `id` has changed."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not among {sorted(KINDS)}")
    notice = orjson.dumps({"kind": kind, "tenant": str(tenant_id), "id": str(id)}).decode()
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", [CHANNEL, notice])


def leave(kind: str, name: str, payload: Mapping[str, Any]) -> None:
    """Write the outbox row; refuse payloads that are more than ids and words, because the relay sees them all."""
    words = {key: _word(key, value) for key, value in payload.items()}
    Outbox(tenant_id=current_tenant(), kind=kind, name=name, payload=words, request_id=request_id()).save(
        force_insert=True
    )


def _word(key: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= LONGEST_WORD):
        return value
    raise TypeError(f"{key}: an event or job carries ids and short words, not {type(value).__name__}")
