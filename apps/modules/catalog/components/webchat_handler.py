"""Carry a conversation with the chat window of a website.

`action: receive` takes a visitor's `content` in (a visitor without a `sessionId` gets one), `send` leaves an answer for
a session, `poll` hands over and forgets what waits for it. A session keeps its latest hundred answers.
"""

import secrets
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import Resource
from apps.modules.catalog.components._asking import demand, unknown

NAME = "webchat_handler"
WRITES = True
KIND = "component.webchat_handler"  # of the stored sessions
MOST_WAITING = 100
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "receive, send or poll."},
        "sessionId": {"type": "string", "description": "The visitor's session."},
        "content": {"type": "string", "description": "The text."},
    },
    "outputs": {
        "sessionId": {"type": "string", "description": "The session; nobody can guess one."},
        "messageId": {"type": "string", "description": "Name of the message."},
        "messages": {"type": "slice", "description": "What waited for the visitor."},
        "status": {"type": "string", "description": "received or sent."},
    },
}
ACTIONS = ("receive", "send", "poll")


async def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Do what is asked for."""
    demand(params, "action")
    action = params["action"]
    if action not in ACTIONS:
        raise unknown("action", action, ACTIONS)
    if action == "receive":
        return await _receive(params, context)
    demand(params, "sessionId")
    session = await context.unit.resources.get(KIND, params["sessionId"], lock=True)
    if session is None:
        errors = [{"pointer": "/sessionId", "message": "is not known"}]
        raise Rejected("There is no such session.", errors=errors, code="component.unknown", status=422)
    return await (_send if action == "send" else _poll)(session, params, context)


async def _receive(params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "content")
    name = params.get("sessionId") or secrets.token_urlsafe(24)
    now = context.unit.clock.now()
    if await context.unit.resources.get(KIND, name) is None:
        await context.unit.resources.save(Resource(KIND, name, {"waiting": []}, None, now, now))
    return {
        "sessionId": name,
        "messageId": _message_name(context),
        "from": name,
        "body": params["content"],
        "provider": "webchat",
        "status": "received",
        "timestamp": now.isoformat(),
    }


async def _send(session: Resource, params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "content")
    at = context.unit.clock.now().isoformat()
    message = {"messageId": _message_name(context), "content": params["content"], "timestamp": at}
    session.data = {"waiting": [*session.data["waiting"], message][-MOST_WAITING:]}
    await context.unit.resources.save(session)
    return {"sessionId": session.key, "messageId": message["messageId"], "status": "sent"}


async def _poll(session: Resource, params: dict[str, Any], context: Context) -> dict[str, Any]:
    messages = session.data["waiting"]
    if messages:
        session.data = {"waiting": []}
        await context.unit.resources.save(session)
    return {"sessionId": session.key, "messages": messages, "count": len(messages)}


def _message_name(context: Context) -> str:
    return f"msg-{context.step_id or context.run_id}"
