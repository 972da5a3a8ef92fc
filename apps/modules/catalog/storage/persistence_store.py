"""Keeps JSON objects in named collections.

As a step it takes `{action, type, id, data, state}`: `save` inserts or replaces, `get` returns the object or null,
`delete` says whether it was there, `list` returns objects in creation order, `limit` at a time behind `after`. Every
store has collections of its own; with `shared: true` it uses those that `api.handler` serves under the same name.
Writes belong to the step's transaction.
"""

from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field

from apps.engine.config_types import SettingsModel, WholeNumber
from apps.engine.ids import uuid7
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.engine.step_input import read_input


class PersistenceStoreConfig(SettingsModel):
    """Settings of `persistence.store`."""

    database: str = Field("database", description="A `database.workflow` it is drawn with; objects live in Weft.")
    shared: bool = Field(False, description="Use the collections of `api.handler` instead of its own.")


class StoreRequest(BaseModel):
    """What a step asks of a store."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["save", "get", "delete", "list"] = "save"
    type: str = Field(min_length=1, max_length=200)
    id: str | int | None = None
    data: dict[str, Any] = {}
    state: str | None = None
    after: str | None = None
    limit: WholeNumber = Field(100, ge=1, le=1000)


class PersistenceStore(Module[PersistenceStoreConfig]):
    """Collections of JSON objects."""

    kind = "persistence.store"
    title = "Object store"
    category = Category.STORAGE
    Config = PersistenceStoreConfig
    writes = True
    inputs = (ModulePort("request", "data", "`{action, type, id, data, state}`."),)
    outputs = (ModulePort("result", "data", "The object, the list, or whether it was there."),)

    async def run(self, payload: Any, context: Context) -> Any:
        """Do one action; the id of a new object without one follows from the step, so a repeat saves the same."""
        asked = read_input(StoreRequest, payload, asked="The store cannot do this.", code="store.bad_request")
        kind = asked.type if self.config.shared else f"{self.name}:{asked.type}"
        store = context.unit.resources
        if asked.action == "list":
            page = await store.page(kind, after=asked.after, limit=asked.limit)
            return {"items": [_shown(found) for found in page], "count": len(page)}
        key = str(asked.id) if asked.id not in (None, "") else ""
        if asked.action == "save":
            new = Resource(kind, key or _new_key(context, kind), asked.data, asked.state)
            await store.save(new)
            return _shown(new)
        if not key:
            raise Rejected("Which object? Give an id.", errors=[{"pointer": "/id", "message": "is required"}])
        if asked.action == "delete":
            return {"id": key, "deleted": await store.delete(kind, key)}
        found = await store.get(kind, key)
        return None if found is None else _shown(found)

    async def health(self, context: Context) -> tuple[str, str]:
        """Report whether the store answers."""
        await context.unit.resources.page(f"{self.name}:health", limit=1)
        return "healthy", ""


def _new_key(context: Context, kind: str) -> str:
    return str(uuid7() if context.step_id is None else uuid5(NAMESPACE_URL, f"{context.step_id}/{kind}"))


def _shown(resource: Resource) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": resource.key, "data": resource.data}
    return shown if resource.state is None else shown | {"state": resource.state}
