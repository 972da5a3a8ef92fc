"""The hooks of `api.handler`: what is called with a new object or an added message, and what becomes of its result.

A hook sees the data of the object at the top, with `id` and `state` beside it and, for an added message, `message`. It
runs in the request's transaction: when it refuses, the request is refused and nothing is kept.
"""

from collections.abc import Mapping
from typing import Any

from apps.engine.module import Context, Links
from apps.engine.outcome import StepFailed
from apps.engine.ports import Resource
from apps.modules.catalog.http._api_answers import NEVER_SHOWN

ON_CREATE, ON_APPEND = "onCreate", "onAppend"
KEPT = frozenset({"id", "state", "message", NEVER_SHOWN})  # not a hook's to change


class Hooks:
    """The hooks of one handler, by config key."""

    def __init__(self, on_create: str, on_append: str) -> None:
        self.names = {key: name for key, name in ((ON_CREATE, on_create), (ON_APPEND, on_append)) if name}
        self.links = Links({})

    async def created(self, resource: Resource, context: Context) -> None:
        """Let the hook complete the data of a resource that is not stored yet."""
        resource.data = await self._called(ON_CREATE, resource, {}, context)

    async def appended(self, resource: Resource, message: dict[str, Any], context: Context) -> None:
        """Let the hook complete the data of a (locked) resource that a message was added to."""
        resource.data = await self._called(ON_APPEND, resource, {"message": message}, context)

    async def _called(self, key: str, resource: Resource, more: dict[str, Any], context: Context) -> dict[str, Any]:
        name = self.names.get(key)
        if name is None:
            return resource.data
        payload = {**resource.data, **more, "id": resource.key, "state": resource.state}
        try:
            result = await self.links.targets[name](payload, context)
        except StepFailed as failure:
            failure.step = f"{key} {name}{'.' if failure.step else ''}{failure.step}"
            raise
        if result is None:
            return resource.data
        if not isinstance(result, Mapping):
            raise StepFailed(f"{key} {name} must return an object to merge into the data.", code="hook.result")
        return resource.data | {field: value for field, value in result.items() if field not in KEPT}
