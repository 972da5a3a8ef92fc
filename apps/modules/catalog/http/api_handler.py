"""A REST resource: a collection of JSON objects with ids, and a state machine behind it if wanted.

Point routes at it; what a request means follows from the route's pattern and method:

- `/orders` POST creates (201), GET lists: `?limit=`, `?after=`, and filters; `Link` names the next page
- `/orders/{id}` GET shows, PUT replaces the data and keeps the state, DELETE removes (204)
- `/orders/{id}/transition` PUT or POST `{transition, data}` fires a transition
- `/orders/{id}/<action>` POST fires the transition that `transitionMap` gives, or the one of that name; some usual
  actions (`assign`, `close`, ...) have theirs without a map
- `/orders/{id}/tag` POST `{tag, tags}` adds to the data's `tags` (200), `/orders/{id}/messages` POST `{body, direction,
  from, userId}` to its `messages` (201); neither changes the state, and a `transitionMap` that names them goes first
- `/orders/{id}/summary` GET shows `summaryFields`
- `/queue/health` GET, of a view or with `health`: what waits per group, since when, how many are over their threshold

Ids are UUIDs unless the caller brings one; an id that is taken answers 409, and that of a deleted resource is free: its
instance begins anew, behind the history it has. Bodies are JSON or a form. With `workflowType` and `workflowEngine`
every new resource starts an instance, named `instanceIDPrefix` and the id (or `instanceIDField`), in the same
transaction. Where the document has a broker, changes are published to `<resource>-events` and
`<resource>.created`, `.updated`, `.deleted` or `.<action>`. With a token check in front, a caller sees its own
resources. `password` is never stored or shown.

In a document with a `conversations` collection that collection, and those that follow its state machine, are about
conversations (`_api_conversations.py`): what is posted to another one, such as a carrier's webhook, begins a
conversation of the id `conv-<id>`; texts are searched for risks (`tags`, `riskLevel`), and `keywords` and `programs`
say whom it belongs to.

`onCreate` and `onAppend` name a component, pipeline or module that is called in the transaction of the request, with
the data of the object, its `id` and `state`, and the added `message`; what it returns is merged into the data (`id`,
`state` and `message` are not its to change). It may compute and write, never act outside; when it fails, or a pipeline
responds with 400 or above, the request is refused and nothing of it is kept.
"""

from dataclasses import replace
from typing import Any

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.ids import uuid7
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.ports import AlreadyExists, Resource
from apps.engine.routes import segments
from apps.engine.seeds import read_seeds
from apps.modules.catalog.http._api_additions import ADDITIONS
from apps.modules.catalog.http._api_answers import (
    NEVER_SHOWN,
    address_of,
    checked_id,
    enriched,
    id_in,
    object_sent,
    owned,
    refused,
    shown,
)
from apps.modules.catalog.http._api_config import ApiHandlerConfig, QueueHealth
from apps.modules.catalog.http._api_conversations import HOME, KEYWORDS, PROGRAMS, Conversing, conversation_key
from apps.modules.catalog.http._api_health import answer_queue_health
from apps.modules.catalog.http._api_hooks import Hooks
from apps.modules.catalog.http._api_lists import Collection, answer_list, answer_view
from apps.modules.catalog.http._api_states import States

BROKERS = ("messaging.broker", "messaging.broker.eventbus", "messaging.nats", "messaging.kafka", "eventbus.modular")

# What a pattern says: the name of the first path parameter ("" for a collection) and what follows it.
Plan = tuple[str, str]


class ApiHandler(Module[ApiHandlerConfig]):
    """A REST resource."""

    kind = "api.handler"
    title = "REST resource"
    category = Category.HTTP
    Config = ApiHandlerConfig
    writes = True
    inputs = (ModulePort("request", "http", "Requests of its routes."),)
    outputs = (
        ModulePort("events", "message", "What was created, updated, deleted."),
        ModulePort("transitions", "event", "Transitions asked for."),
    )

    def __init__(self, name: str, config: ApiHandlerConfig) -> None:
        super().__init__(name, config)
        self._is_view = bool(config.source_resource_name)
        self._kind = config.source_resource_name or config.resource_name
        self._fields = FieldMapping(config.field_mapping)
        self._states = States(self._kind, config, Links({}), self._fields)
        self._collection = Collection(self._kind, config.state_filter, self._fields, self._states)
        self._hooks = Hooks(config.on_create, config.on_append)
        self._plans: dict[str, Plan] = {}
        self._publishes = False
        self._conversing: Conversing | None = None
        self._home: ApiHandler | None = None  # where a conversation begins with every resource of this one
        self._records: tuple[ApiHandler, ...] = ()  # whose first resources this one looks at
        self._seeds: list[dict[str, Any]] = []

    def link(self, links: Links) -> None:
        """Find the machines and the broker, and read the first resources where the document has a folder."""
        self._states.links = self._hooks.links = links
        self._publishes = bool(links.of_kind(*BROKERS))
        self._meet([peer for peer in links.of_kind(self.kind) if isinstance(peer, ApiHandler)])
        if self.config.seed_file is not None and links.read_file is not None:
            self._seeds = read_seeds(links.read_file, self.config.seed_file)

    def _meet(self, peers: list["ApiHandler"]) -> None:
        """Find the handlers of the document that this one has to do with."""
        stored = {peer.config.resource_name: peer for peer in peers if not peer._is_view}
        looked_at = {KEYWORDS, PROGRAMS, (self.config.health or QueueHealth()).group_resource}
        self._records = tuple(peer for name, peer in stored.items() if name in looked_at and peer is not self)
        if self._is_view and self._kind in stored:
            self._collection = replace(self._collection, states=stored[self._kind]._states)
        home = stored.get(HOME)
        if home is None or self._is_view:
            return
        follows_too = bool(home.config.workflow_type) and home.config.workflow_type == self.config.workflow_type
        if home is self or follows_too:
            self._conversing = Conversing(frozenset(stored), self._fields)
            self._home = home if home is not self else None

    def follows(self) -> tuple[str, str] | None:
        """Let the machine keep the resources' states current."""
        return (self.config.workflow_type, self._kind) if self.config.workflow_type else None

    def calls(self) -> dict[str, str]:
        """Name the hooks."""
        return self._hooks.names

    async def handle(self, request: Request, context: Context) -> Response:
        """Answer one request."""
        parameter, tail = self._plans.get(request.route) or self._plan(request.route)
        try:
            if self._seeds:
                await self.plant(context)
            if not parameter:
                if request.method == "POST" and not self._is_view:
                    return await self._create("", request, context)
                return await self._on_collection(tail, request, context)
            key = request.params.get(parameter, "")
            if tail:
                return await self._below(key, tail, request, context)
            return await self._on_item(key, request, context)
        except Rejected as fault:
            if fault.status not in (400, 415):
                raise
            step = {"step": fault.step} if fault.step else {}
            return refused(request, fault.status, fault.code, fault.message, errors=fault.errors, **step)

    def _plan(self, pattern: str) -> Plan:
        parts = segments(pattern)
        place = next((index for index, part in enumerate(parts) if part.startswith("{")), None)
        if place is None:
            plan = ("", parts[-1])
        else:
            plan = (parts[place].strip("{}").removesuffix("..."), "/".join(parts[place + 1 :]))
        self._plans[pattern] = plan
        return plan

    async def _on_collection(self, tail: str, request: Request, context: Context) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _wrong_method(request)
        if tail == "health" and (self._is_view or self.config.health is not None):
            await self._plant_records(context)
            return await answer_queue_health(self._collection, self.config.health or QueueHealth(), request, context)
        return await (answer_view if self._is_view else answer_list)(self._collection, request, context)

    async def _on_item(self, key: str, request: Request, context: Context) -> Response:
        method = request.method
        if method in ("GET", "HEAD"):
            found = await self._visible(key, request, context)
            return _missing(request, key) if found is None else Response.json(await self._enriched(found, context))
        if self._is_view or method not in ("POST", "PUT", "DELETE"):
            return _wrong_method(request)
        if method == "POST":
            return await self._create(key, request, context)
        found = await self._visible(key, request, context, lock=True)
        if found is None:
            return _missing(request, key)
        return await (self._replace if method == "PUT" else self._delete)(found, request, context)

    async def _below(self, key: str, tail: str, request: Request, context: Context) -> Response:
        action = request.params.get(tail.strip("{}"), "") if tail.startswith("{") else tail
        found = await self._visible(key, request, context)
        if found is None:
            return _missing(request, key)
        if action == "transition" and request.method in ("PUT", "POST"):
            return await self._states.transition(found, request, context)
        if request.method in ("GET", "HEAD"):
            if action != "summary":
                return refused(request, 404, "resource.no_such_part", f"There is no {action} of a resource.")
            return Response.json(self._summary(await self._enriched(found, context)))
        if request.method != "POST":
            return _wrong_method(request)
        answer = await self._sub_action(action, found, request, context)
        if answer.status < 300 and self._publishes:
            state = (await context.unit.resources.get(self._kind, key) or found).state
            self._publish(action, {"resourceId": key, "action": action, "state": state}, key, context)
        return answer

    async def _sub_action(self, action: str, found: Resource, request: Request, context: Context) -> Response:
        """Do a sub-action: an addition to the data, or what `transitionMap` makes of it."""
        add = None if action in self.config.transition_map else ADDITIONS.get(action)
        if add is None:
            return await self._states.sub_action(action, found, request, context)
        fresh = await context.unit.resources.get(self._kind, found.key, lock=True) or found
        return await add(fresh, self._fields, request, context, self._hooks, self._conversing)

    async def _create(self, key: str, request: Request, context: Context) -> Response:
        body = object_sent(request)
        key = checked_id(key or id_in(body))
        resource = self._new(key, body, request.claims, context)
        machine = self._states.starts()
        if machine is not None:
            resource.state = machine.initial_state
        if self._conversing is not None:
            await self._plant_records(context)
            await self._conversing.begin(resource, request, context)
        if self._hooks.names:
            await self._hooks.created(resource, context)
        former = None
        if self._home is None and self.config.workflow_type and (key or self.config.instance_id_field):
            former = await self._states.former(resource, context)
            if former is not None and machine is not None and not former.is_left_behind:
                return _taken(request, key or self._states.instance_key("", resource.data))
        try:
            await self._open(resource, context)
            await context.unit.resources.create(resource)
        except AlreadyExists:
            return _taken(request, key)
        if self._home is None and (machine is not None or former is not None):
            await self._states.start(resource, context, former)
        answer = shown(resource)
        if self._publishes:
            self._publish("created", {"resource": answer}, resource.key, context)
        response = Response.json(answer, 201)
        if not request.params:
            response.headers.append((b"location", address_of(request, resource.key).encode()))
        return response

    async def _open(self, resource: Resource, context: Context) -> None:
        """Begin the conversation that a new resource of this handler stands for, where it stands for one."""
        if self._home is None or self._conversing is None:
            return
        data = self._conversing.carried(resource, context)
        naming = {name: getattr(self._home.config, name) for name in ("instance_id_prefix", "instance_id_field")}
        states = States(HOME, self.config.model_copy(update=naming), self._states.links, self._states.fields)
        opened = await self._home.begin(Resource(HOME, conversation_key(resource.key), data), states, context)
        resource.data["conversationId"], resource.state = opened.key, opened.state

    async def begin(self, resource: Resource, states: States, context: Context) -> Resource:
        """Store a resource that another handler begins, and start its instance; raise `AlreadyExists`."""
        machine = states.starts()
        resource.state = machine.initial_state if machine is not None else "new"
        resource.created_at = resource.updated_at = context.unit.clock.now()
        await self._hooks.created(resource, context)
        await context.unit.resources.create(resource)
        await states.start(resource, context, await states.former(resource, context))
        if self._publishes:
            self._publish("created", {"resource": shown(resource)}, resource.key, context)
        return resource

    def _new(self, key: str, body: dict[str, Any], claims: dict[str, Any] | None, context: Context) -> Resource:
        data = self._stored(body)
        if claims is not None and claims.get("sub"):
            self._fields.write(data, "userId", claims["sub"])
        state = self._fields.read(body, "state")
        now = context.unit.clock.now()
        wanted = state if isinstance(state, str) and state else "new"
        return Resource(self._kind, key or str(uuid7()), data, wanted, now, now)

    async def _replace(self, found: Resource, request: Request, context: Context) -> Response:
        found.data = owned(self._stored(object_sent(request)), found.data, self._fields, request.claims)
        found.updated_at = context.unit.clock.now()
        await context.unit.resources.save(found)
        answer = shown(found)
        if self._publishes:
            self._publish("updated", {"resource": answer}, found.key, context)
        return Response.json(answer)

    async def _delete(self, found: Resource, request: Request, context: Context) -> Response:
        await context.unit.resources.delete(self._kind, found.key)
        await self._states.end(found, context)
        if self._publishes:
            self._publish("deleted", {"resourceId": found.key}, found.key, context)
        return Response(204)

    async def _visible(self, key: str, request: Request, context: Context, *, lock: bool = False) -> Resource | None:
        """Return a resource that the caller may see."""
        found = await context.unit.resources.get(self._kind, key, lock=lock)
        return found if found is not None and self._collection.may_be_seen(found, request) else None

    async def _enriched(self, resource: Resource, context: Context) -> dict[str, Any]:
        """Return a resource with the state and the further data of its instance."""
        return enriched(resource, await self._collection.states.instance(resource, context))

    def _summary(self, answer: dict[str, Any]) -> dict[str, Any]:
        data = answer["data"]
        fields = {name: self._fields.read(data, name) for name in self.config.summary_fields}
        own = {name: answer.get(name) for name in ("id", "state", "lastUpdate")}
        return own | {name: value for name, value in fields.items() if value is not None}

    def _stored(self, body: dict[str, Any]) -> dict[str, Any]:
        data = dict(body)
        data.pop(NEVER_SHOWN, None)
        return data

    def _publish(self, what: str, event: dict[str, Any], key: str, context: Context) -> None:
        """Publish to both topics of a change."""
        name = f"{self.config.resource_name}.{what}"
        message = {"eventType": name, **event}
        context.unit.broker.publish(f"{self.config.resource_name}-events", message, key=key)
        context.unit.broker.publish(name, message, key=key)

    async def _plant_records(self, context: Context) -> None:
        """Store the first resources of the handlers that this one looks at."""
        for handler in self._records:
            await handler.plant(context)

    async def plant(self, context: Context) -> None:
        """Store the first resources when there are none yet."""
        if not self._seeds or await context.unit.resources.page(self._kind, limit=1):
            return
        now = context.unit.clock.now()
        for seed in self._seeds:
            if seed.get("id") not in (None, ""):
                state = seed.get("state")
                kept = state if isinstance(state, str) else None
                await context.unit.resources.save(
                    Resource(self._kind, str(seed["id"]), self._stored(seed["data"]), kept, now, now)
                )


def _missing(request: Request, key: str) -> Response:
    return refused(request, 404, "resource.unknown", f"There is no resource {key}.")


def _taken(request: Request, key: str) -> Response:
    return refused(request, 409, "resource.exists", f"There is a resource {key} already.")


def _wrong_method(request: Request) -> Response:
    return refused(request, 405, "method.not_allowed", "This resource does not do that.")
