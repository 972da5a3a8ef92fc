"""Orders behind `api.handler`, with a small state machine: what its tests have in common."""

import orjson

from apps.engine.http import Request
from apps.engine.sections.machine_parts import ResourceMapping, State, Transition
from apps.engine.sections.statemachine import Machine
from apps.modules.catalog.http.api_handler import ApiHandler
from tests.unit.modules.making import make

COLLECTION, ITEM = "/api/orders", "/api/orders/{id}"


def machine(name="order-workflow", **more):
    transitions = [
        Transition("submit", "new", "submitted"),
        Transition("close_from_active", "submitted", "closed"),
        Transition("start_validation", "new", "validating"),
        Transition("hold_back", "submitted", "held"),
    ]
    return Machine(
        name,
        "new",
        {state: State(state, state == "closed") for state in ("new", "validating", "submitted", "held", "closed")},
        {transition.name: transition for transition in transitions},
        mappings=(ResourceMapping("orders"),),
        **more,
    )


def without(found, *names):
    for name in names:
        found.transitions.pop(name)
    return found


def orders(config=None, machines=(), **beside):
    return make(
        ApiHandler,
        {"resourceName": "orders"} | (config or {}),
        "orders-api",
        machines={m.name: m for m in machines},
        **beside,
    )


async def ask(handler, unit, method, pattern=COLLECTION, body=None, query="", claims=None, raw=b"", **params):
    path, kind = pattern, params.pop("kind", "application/json")
    for name, value in params.items():
        path = path.replace("{" + name + "}", value)
    request = Request(
        method,
        path,
        route=pattern,
        params=params,
        query_string=query.encode(),
        body=raw if body is None else orjson.dumps(body),
        headers={"content-type": kind},
        url_base="/w/acme/shop",
    )
    request.claims = claims
    response = await handler.handle(request, unit.context())
    answer = orjson.loads(response.body) if response.body else None
    return response.status, answer, dict(response.headers)
