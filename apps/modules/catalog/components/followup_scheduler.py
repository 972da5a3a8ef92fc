"""Write to a texter again later.

`action: schedule` plans a follow-up for `conversationId` (in `delayHours`, a day without), `check_due` lists what is
due, `complete` ends one. Without an action it was called by a transition and says so.
"""

from datetime import datetime, timedelta
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.modules.catalog.components._asking import asked, demand, unknown

NAME = "followup_scheduler"
WRITES = True
KIND = "component.followup_scheduler"  # of the stored follow-ups
MOST_DUE = 100  # listed at a time
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "schedule, check_due or complete."},
        "conversationId": {"type": "string", "description": "Whom to write to again."},
        "delayHours": {"type": "float", "description": "In how many hours.", "default": 24},
        "followupId": {"type": "string", "description": "The follow-up to complete."},
    },
    "outputs": {
        "followupId": {"type": "string", "description": "Name of the follow-up."},
        "scheduledFor": {"type": "string", "description": "When it is due (RFC 3339)."},
        "due": {"type": "slice", "description": "Follow-ups that are due."},
        "status": {"type": "string", "description": "scheduled, completed or processed."},
    },
}
ACTIONS = ("schedule", "check_due", "complete")


async def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Do what is asked for."""
    action = asked(params, "action", ACTIONS)
    if not action:
        return {"status": "processed"}
    if action == "schedule":
        return await _schedule(params, context)
    if action == "check_due":
        return await _due(context)
    if action == "complete":
        return await _complete(params, context)
    raise unknown("action", action, ACTIONS)


async def _schedule(params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "conversationId")
    now = context.unit.clock.now()
    try:
        due = now + timedelta(hours=params["delayHours"])
    except OverflowError:
        errors = [{"pointer": "/delayHours", "message": "is too long"}]
        raise Rejected("delayHours is too long.", errors=errors, code="component.input", status=422) from None
    name = f"fup-{context.step_id or context.run_id}"
    data = {"conversationId": params["conversationId"], "scheduledFor": due.isoformat()}
    await context.unit.resources.save(Resource(KIND, name, data, "scheduled", now, now))
    return {"followupId": name, "status": "scheduled", **data}


async def _due(context: Context) -> dict[str, Any]:
    now = context.unit.clock.now()
    waiting = await context.unit.resources.page(KIND, states=("scheduled",))
    due = [each for each in waiting if datetime.fromisoformat(each.data["scheduledFor"]) <= now]
    return {"due": [{"followupId": each.key, **each.data} for each in due[:MOST_DUE]], "count": len(due)}


async def _complete(params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "followupId")
    found = await context.unit.resources.get(KIND, params["followupId"], lock=True)
    if found is None:
        errors = [{"pointer": "/followupId", "message": "is not known"}]
        raise Rejected("There is no such follow-up.", errors=errors, code="component.unknown", status=422)
    found.state = "completed"
    await context.unit.resources.save(found)
    return {"followupId": found.key, "status": "completed"}
