"""Bring a message to its conversation: the sender's own one, or a new one in the queue of the right program.

A sender is remembered. A responder who takes a conversation (`responderId` and its id, no sender) makes it active. The
program is the one given, else that of the first word, of the number written to, of the provider; a conversation keeps
the program that it began with.
"""

from typing import Any

from apps.engine.ids import uuid7
from apps.engine.module import Context
from apps.engine.ports import PrivateKind, Resource
from apps.modules.catalog.components._asking import demand, first
from apps.modules.catalog.components._programs import AFFILIATES, FALLBACK, NAMES, program_of

NAME = "conversation_router"
WRITES = True
KIND = PrivateKind("component.conversation_router")  # of the stored objects: one per sender, its state the program
LONGEST_QUEUE = 1000  # beyond it the position says no more than that
CONTRACT = {
    "optional_inputs": {
        "from": {"type": "any", "description": "Who wrote; `From` means the same."},
        "body": {"type": "any", "description": "The text, whose first word may name a program."},
        "provider": {"type": "any", "description": "twilio, aws, webchat or partner."},
        "shortCode": {"type": "any", "description": "The number written to; `toNumber` means the same."},
        "programId": {"type": "any", "description": "The program, when it is known."},
        "affiliateId": {"type": "any", "description": "The affiliate, when it is known."},
        "responderId": {"type": "any", "description": "Who takes the conversation."},
        "conversationId": {"type": "any", "description": "The conversation; `id` means the same."},
    },
    "outputs": {
        "conversationId": {"type": "string", "description": "Name of the conversation."},
        "programId": {"type": "string", "description": "Its program."},
        "programName": {"type": "string", "description": "What the program is called."},
        "affiliateId": {"type": "string", "description": "Who runs the program."},
        "isNew": {"type": "bool", "description": "Whether the sender had none before."},
        "queuePosition": {"type": "int", "description": "Place in the program's queue, from 1; 0 once active."},
        "status": {"type": "string", "description": "queued or active."},
    },
}


async def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Find or begin the conversation."""
    sender, named = first(params, "from", "From"), first(params, "conversationId", "id")
    if sender is None and params.get("responderId") and named is not None:
        return _placed(params, str(named), _program(params)) | {
            "responderId": params["responderId"],
            "isNew": False,
            "queuePosition": 0,
            "status": "active",
        }
    demand({"from": sender}, "from")
    known = await context.unit.resources.get(KIND, str(sender), lock=True)
    if known is not None:
        return _placed(params, known.data["conversationId"], str(known.state)) | {
            "isNew": False,
            "queuePosition": 0,
            "status": "active",
        }
    return await _begin(params, str(sender), str(named or uuid7()), context)


async def _begin(params: dict[str, Any], sender: str, name: str, context: Context) -> dict[str, Any]:
    program = _program(params)
    waiting = await context.unit.resources.page(KIND, limit=LONGEST_QUEUE, states=(program,))
    now = context.unit.clock.now()
    await context.unit.resources.save(Resource(KIND, sender, {"conversationId": name}, program, now, now))
    return _placed(params, name, program) | {"isNew": True, "queuePosition": len(waiting) + 1, "status": "queued"}


def _program(params: dict[str, Any]) -> str:
    return str(params.get("programId") or program_of(params, (params.get("shortCode"), params.get("toNumber"))))


def _placed(params: dict[str, Any], name: str, program: str) -> dict[str, Any]:
    affiliate = params.get("affiliateId") or AFFILIATES.get(program, AFFILIATES[FALLBACK])
    return {
        "conversationId": name,
        "programId": program,
        "programName": NAMES.get(program, program),
        "affiliateId": affiliate,
    }
