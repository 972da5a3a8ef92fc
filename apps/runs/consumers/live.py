"""The live socket of a tenant: `/ws/t/<tenant>/`. First the state, then the events behind it, by number.

A client says `subscribe` with a stream (`run:<id>` or `runs`) and, when it resumes, the number it has (`after`).
"""

from typing import Any, ClassVar
from uuid import UUID

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer

from apps.core.api.permissions import SIGNED_IN
from apps.runs.adapters.hub import LIST
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.watching import hub_of_this_loop, read_state
from apps.runs.policy import READ
from apps.tenants.policy import may
from apps.tenants.queries import role_of, tenant_by_slug, user_actor

NOT_ALLOWED = 4403
MOST_STREAMS = 50
LONGEST_MESSAGE = 4096


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open page."""

    permissions: ClassVar[dict[str, str]] = {"subscribe": READ, "unsubscribe": READ, "ping": SIGNED_IN}

    async def connect(self) -> None:
        """Let members of the tenant in, and nobody else."""
        self.streams: set[UUID | None] = set()  # None is the list
        self.tenant_id: UUID | None = None
        self.user = self.scope.get("user")
        found = await in_thread(tenant_by_slug, self.scope["url_route"]["kwargs"]["tenant"])
        if found is None or not await self._may(found.id, SIGNED_IN):
            await self.close(NOT_ALLOWED)
            return
        self.tenant_id = found.id
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Forget what was followed."""
        if self.tenant_id is not None:
            for run_id in self.streams:
                hub_of_this_loop().leave(self, self.tenant_id, run_id)
        self.streams = set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take one message; what it may do is asked for each anew."""
        message = _read(text_data)
        kind = message.get("type")
        permission = self.permissions.get(kind) if isinstance(kind, str) else None
        tenant_id = self.tenant_id
        if tenant_id is None or permission is None:
            await self._error("message.unknown", message)
        elif not await self._may(tenant_id, permission):
            await self.close(NOT_ALLOWED)
        elif kind == "ping":
            await self._tell({"type": "pong"})
        else:
            await self._follow_or_leave(tenant_id, message, follows=kind == "subscribe")

    async def send_frame(self, frame: str) -> None:
        """Send encoded text, as long as the person still belongs to the tenant."""
        if self.tenant_id is None or not await self._may(self.tenant_id, READ):
            await self.close(NOT_ALLOWED)
            return
        await self.send(text_data=frame)

    async def _follow_or_leave(self, tenant_id: UUID, message: dict[str, Any], *, follows: bool) -> None:
        name = message.get("stream")
        run_id = _run_of(name)
        if name != LIST and run_id is None:
            await self._error("stream.unknown", message)
            return
        if not follows:
            self.streams.discard(run_id)
            hub_of_this_loop().leave(self, tenant_id, run_id)
        elif len(self.streams) >= MOST_STREAMS:
            await self._error("stream.too_many", message)
        elif run_id is None:
            self.streams.add(None)
            await hub_of_this_loop().follow_list(self, tenant_id)
            await self._tell({"type": "state", "stream": LIST, "sequence": 0, "state": {}})
        else:
            await self._follow(tenant_id, run_id, message)

    async def _follow(self, tenant_id: UUID, run_id: UUID, message: dict[str, Any]) -> None:
        state = await read_state(tenant_id, run_id)
        if state is None:
            await self._error("not-found", message)
            return
        after = message.get("after")
        if not isinstance(after, int) or isinstance(after, bool) or not 0 < after <= state["sequence"]:
            after = state["sequence"]
            await self._tell({"type": "state", "stream": f"run:{run_id}", "sequence": after, "state": state})
        self.streams.add(run_id)
        await hub_of_this_loop().follow(self, tenant_id, run_id, after)

    async def _may(self, tenant_id: UUID, permission: str) -> bool:
        user = self.user
        if user is None or not user.is_authenticated:
            return False
        role = await in_thread(role_of, tenant_id=tenant_id, user=user)
        if role is None:
            return False
        return permission == SIGNED_IN or may(user_actor(user, role), permission)

    async def _error(self, code: str, message: dict[str, Any]) -> None:
        stream = message.get("stream")
        await self._tell({"type": "error", "code": code, "stream": stream if isinstance(stream, str) else None})

    async def _tell(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=orjson.dumps(frame).decode())


def _read(text: str | None) -> dict[str, Any]:
    if text is None or len(text) > LONGEST_MESSAGE:
        return {}
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _run_of(name: Any) -> UUID | None:
    if not isinstance(name, str) or not name.startswith("run:"):
        return None
    try:
        return UUID(name.removeprefix("run:"))
    except ValueError:
        return None
