"""State changes of `api.handler`: the transition address, sub-actions, and the start of an instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.module import Context, Links
from apps.engine.outcome import Rejected, TryAgain
from apps.engine.ports import AlreadyExists, Instance, LostRace, Resource
from apps.engine.sections.statemachine import Machine
from apps.modules.catalog.http._api_answers import object_of, owned, refused, shown
from apps.modules.catalog.http._api_config import ApiHandlerConfig

USUAL_FIRST = "start_validation"  # fired on a new instance when no other transition is configured and there is one
LAST_RESORT = "order-workflow"
TAKES = "assign"  # the sub-action by which a caller takes a resource over
MADE_FOR_A_RESOURCE = "instanceId"  # in an instance's data: see `_known`


@dataclass(frozen=True, slots=True)
class Former:
    """The instance that has the name of a new resource's already."""

    machine: Machine
    instance: Instance
    is_left_behind: bool  # it was made for a resource that is deleted: nobody follows it any more


@dataclass(slots=True)
class States:
    """The state-machine side of one handler."""

    kind: str
    config: ApiHandlerConfig
    links: Links
    fields: FieldMapping

    def machine(self, *names: Any) -> Machine | None:
        """Return the first of the named definitions that exists, else the only one there is."""
        machines = self.links.machines
        for name in (*names, self.config.workflow_type, LAST_RESORT):
            if isinstance(name, str) and name in machines:
                found: Machine = machines[name]
                return found
        return next(iter(machines.values())) if len(machines) == 1 and not self.config.workflow_type else None

    def instance_key(self, key: str, data: dict[str, Any]) -> str:
        """Return the id of the resource's instance (D10); a prefix that is there already is not doubled."""
        field = self.config.instance_id_field
        named = data.get(field) if field else None
        own = str(named) if isinstance(named, str | int) and named != "" else key
        prefix = self.config.instance_id_prefix
        return own if prefix and own.startswith(prefix) else prefix + own

    def starts(self) -> Machine | None:
        """Return the machine that every new resource gets an instance of."""
        if not self.config.workflow_type or not self.config.workflow_engine:
            return None
        return self.links.machines.get(self.config.workflow_type)

    async def former(self, resource: Resource, context: Context) -> Former | None:
        """Return the instance that a new resource finds under its name, None when the name is new."""
        machine = self.links.machines.get(self.config.workflow_type)
        if machine is None:
            return None
        instance = await context.unit.instances.get(machine.name, self.instance_key(resource.key, resource.data))
        if instance is None:
            return None
        return Former(machine, instance, await self._is_left_behind(machine, instance, context))

    async def _is_left_behind(self, machine: Machine, instance: Instance, context: Context) -> bool:
        key = instance.data.get("id")
        if MADE_FOR_A_RESOURCE not in instance.data or not isinstance(key, str):
            return False
        for kind in {self.kind, *(mapping.kind for mapping in machine.mappings)}:
            if await context.unit.resources.get(kind, key) is not None:
                return False
        return True

    async def start(self, resource: Resource, context: Context, former: Former | None) -> None:
        """Create the instance of a stored new resource, or put a left one back; then fire the first transition.

        A first transition that is refused is logged: the resource stays in the initial state.
        """
        key = self.instance_key(resource.key, resource.data)
        if former is not None and former.is_left_behind:
            await self._restart(former, resource, key, context)
        machine = self.starts()
        if machine is None:
            return
        if former is None:
            await self._create(machine, resource, key, context)
        first = self.config.initial_transition or (USUAL_FIRST if USUAL_FIRST in machine.transitions else "")
        if not first:
            return
        try:
            applied = await machine.apply(context, key, first, create=False)
            resource.state = applied.instance.state
        except Rejected as refusal:
            context.log(f"{first} was not done: {refusal.message}", "warning")

    async def _create(self, machine: Machine, resource: Resource, key: str, context: Context) -> None:
        try:
            await machine.create(context, key, self._known(machine, resource, key))
        except AlreadyExists:  # since `former` looked: undo everything; the next try will find it taken
            raise TryAgain(f"{machine.name} {key} is being made by somebody else.", code="instance.race") from None

    async def _restart(self, former: Former, resource: Resource, key: str, context: Context) -> None:
        machine = former.machine
        instance = await context.unit.instances.get(machine.name, key, lock=True)
        if instance is None or instance.sequence != former.instance.sequence:
            raise LostRace(f"{machine.name} {key}")
        await machine.restart(context, instance, self._known(machine, resource, key))

    async def end(self, resource: Resource, context: Context) -> None:
        """End the instance of a resource that is deleted; one that was not made for it goes on."""
        machine = self.machine(*self._own_type(resource))
        if machine is None:
            return
        key = self.instance_key(resource.key, resource.data)
        instance = await context.unit.instances.get(machine.name, key, lock=True)
        if instance is None or MADE_FOR_A_RESOURCE not in instance.data or instance.data.get("id") != resource.key:
            return
        if await self._is_left_behind(machine, instance, context):
            await machine.end(context, instance)

    async def transition(self, resource: Resource, request: Request, context: Context) -> Response:
        """Answer `.../{id}/transition`."""
        body = object_of(request)
        name, data = body.get("transition"), body.get("data")
        if not isinstance(name, str) or not name:
            return refused(request, 400, "transition.missing", "Name the transition.")
        if data is not None and not isinstance(data, dict):
            return refused(request, 400, "transition.data", "The transition's data must be an object.")
        machine = self.machine(body.get("workflowType"), *self._own_type(resource))
        if machine is None:
            return refused(request, 500, "machine.missing", "No state machine serves this resource.")
        key = self.instance_key(resource.key, resource.data)
        told = {"id": resource.key, "instanceId": key, "transition": name}
        try:
            instance = await self._apply(machine, resource, key, name, data or {}, context)
        except (Rejected, LostRace) as failure:
            return _failed(request, failure, told)
        fresh = await self._follow(resource, instance, {}, context)
        times = {"state": instance.state, "lastUpdate": _time(instance)}
        return Response.json({"success": True, **told, **times, "resource": shown(fresh)})

    async def sub_action(self, action: str, resource: Resource, request: Request, context: Context) -> Response:
        """Answer POST `.../{id}/<sub-action>`: the mapped transition, with the body as its data."""
        body = dict(object_of(request))
        if request.claims and request.claims.get("sub") and ("responderId" in body or action == TAKES):
            body["responderId"] = request.claims["sub"]
        machine = self.machine(*self._own_type(resource))
        key = self.instance_key(resource.key, resource.data)
        now = None if machine is None else await context.unit.instances.get(machine.name, key)
        name = self._transition_of(action, machine, body.get("type"), now.state if now is not None else None)
        if machine is None or name is None:
            return refused(request, 400, "action.unknown", f"There is no action {action!r} here.")
        try:
            instance = await self._apply(machine, resource, key, name, body, context)
        except (Rejected, LostRace) as failure:
            return _failed(request, failure, {"action": action, "transition": name})
        fresh = await self._follow(resource, instance, owned(body, {}, self.fields, request.claims), context)
        answer = {"success": True, "action": action, "transition": name, "id": resource.key}
        return Response.json({**answer, "state": fresh.state, "lastUpdate": _time(instance)})

    async def instance(self, resource: Resource, context: Context) -> Instance | None:
        """Return the instance of a resource, if there is one."""
        machine = self.machine(*self._own_type(resource)) if self.config.workflow_type else None
        if machine is None:
            return None
        return await context.unit.instances.get(machine.name, self.instance_key(resource.key, resource.data))

    async def instances(self, resources: Sequence[Resource], context: Context) -> dict[str, Instance]:
        """Return the instances of several resources, by the resource's key."""
        machine = self.machine() if self.config.workflow_type and resources else None
        if machine is None:
            return {}
        names = {resource.key: self.instance_key(resource.key, resource.data) for resource in resources}
        found = await context.unit.instances.several(machine.name, list(names.values()))
        return {key: found[name] for key, name in names.items() if name in found}

    def _own_type(self, resource: Resource) -> tuple[Any, ...]:
        """Return the definition that the resource itself names, where the config names none."""
        return () if self.config.workflow_type else (resource.data.get("workflowType"),)

    def _transition_of(self, action: str, machine: Machine | None, kind: Any, state: str | None) -> str | None:
        """Return the transition of a sub-action: the mapped one, else one of the same name (spec/modules.md 7.2)."""
        if machine is None:
            return None
        mapped = self.config.transition_map.get(action, action)
        names = (refined(machine, mapped, kind, state or machine.initial_state), action, action.replace("-", "_"))
        return next((name for name in names if name in machine.transitions), None)

    def _known(self, machine: Machine, resource: Resource, key: str) -> dict[str, Any]:
        """Return what a new instance knows about its resource; its text is `body`, whatever the resource calls it."""
        text = FieldMapping(self.config.field_mapping).read_text(resource.data, "body")
        body = {"body": text} if text else {}
        return {**body, **resource.data, "id": resource.key, "instanceId": key, "workflowType": machine.name}

    async def _apply(
        self, machine: Machine, resource: Resource, key: str, name: str, data: dict[str, Any], context: Context
    ) -> Instance:
        """Fire one transition; an instance that is missing is made first."""
        if await context.unit.instances.get(machine.name, key) is None:
            known = {**self._known(machine, resource, key), **data, "id": resource.key}
            applied = await machine.apply(context, key, name, known, create=True)
        else:
            added = {field: resource.data[field] for field in self._added() if field in resource.data}
            applied = await machine.apply(context, key, name, {**added, **data, "id": resource.key}, create=False)
        return applied.instance

    def _added(self) -> list[str]:
        """Return the fields that additions change, of which an instance hears with the next transition."""
        fields = FieldMapping(self.config.field_mapping)
        return [fields.primary(name) for name in ("messages", "tags", "riskLevel")]

    async def _follow(self, resource: Resource, instance: Instance, more: dict[str, Any], context: Context) -> Resource:
        """Write the new state, and what a sub-action brought, to the stored resource (D18)."""
        fresh = await context.unit.resources.get(self.kind, resource.key, lock=True) or resource
        data = {**fresh.data, **more}
        if fresh.state != instance.state or data != fresh.data:
            fresh.state, fresh.data, fresh.updated_at = instance.state, data, context.unit.clock.now()
            await context.unit.resources.save(fresh)
        return fresh


def refined(machine: Machine, name: str, kind: Any, state: str) -> str:
    """Return the transition that is meant where a mapped one has sisters (spec/modules.md 7.2).

    `escalate_to_medical` with the type `police` is `escalate_to_police`; `close_from_active` in another state is the
    `close_from_...` that leaves that state.
    """
    stem, to, _ = name.rpartition("_to_")
    if to and isinstance(kind, str) and f"{stem}{to}{kind}" in machine.transitions:
        return f"{stem}{to}{kind}"
    stem, origin, _ = name.rpartition("_from_")
    if not origin or (name in machine.transitions and machine.transitions[name].from_state == state):
        return name
    sisters = (each for each in machine.transitions if each.startswith(f"{stem}{origin}"))
    return next((each for each in sisters if machine.transitions[each].from_state == state), name)


def _failed(request: Request, failure: Rejected | LostRace, told: dict[str, Any]) -> Response:
    told = {"success": False, **told}
    if isinstance(failure, LostRace):
        return refused(request, 409, "instance.lost_race", "Somebody else changed it first.", **told)
    return refused(request, failure.status, failure.code, failure.message, errors=failure.errors, **told)


def _time(instance: Instance) -> str | None:
    return instance.updated_at.isoformat() if instance.updated_at else None
