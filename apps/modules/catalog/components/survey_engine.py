"""Ask texters how they are when they come and when they go.

`action: get_survey` returns the questions of `surveyId`, `submit` keeps the answers of a conversation, `check_pending`
tells which surveys a conversation has not answered. Without an action it was called by a transition and says so.
"""

from typing import Any

from apps.engine.module import Context
from apps.engine.ports import Resource
from apps.modules.catalog.components._asking import asked, demand, unknown

NAME = "survey_engine"
WRITES = True
KIND = "component.survey_engine"  # of the stored answers, by conversation and survey
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "get_survey, submit or check_pending."},
        "surveyId": {"type": "string", "description": "entry or exit.", "default": "entry"},
        "conversationId": {"type": "string", "description": "Whose answers they are."},
        "responses": {"type": "map", "description": "Answers by question."},
    },
    "outputs": {
        "questions": {"type": "slice", "description": "What is asked."},
        "submitted": {"type": "bool", "description": "Whether the answers were kept."},
        "pending": {"type": "slice", "description": "Surveys without an answer."},
        "event": {"type": "string", "description": "transition_hook when no action was asked for."},
    },
}
SURVEYS: dict[str, list[dict[str, Any]]] = {
    "entry": [
        {"id": "feeling", "text": "How are you feeling right now?", "scale": [1, 5]},
        {"id": "safe", "text": "Are you somewhere safe?", "choices": ["yes", "no"]},
    ],
    "exit": [
        {"id": "helped", "text": "Did this conversation help you?", "scale": [1, 5]},
        {"id": "again", "text": "Would you write to us again?", "choices": ["yes", "no"]},
    ],
}
ACTIONS = ("get_survey", "submit", "check_pending")


async def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Do what is asked for."""
    action = asked(params, "action", ACTIONS)
    if not action:
        return {"event": "transition_hook", "processed": True}
    if action not in ACTIONS:
        raise unknown("action", action, ACTIONS)
    if action == "check_pending":
        demand(params, "conversationId")
        return {"pending": [name for name in SURVEYS if not await _answered(params["conversationId"], name, context)]}
    survey = params["surveyId"]
    if survey not in SURVEYS:
        raise unknown("surveyId", survey, SURVEYS)
    if action == "get_survey":
        return {"surveyId": survey, "questions": SURVEYS[survey]}
    demand(params, "conversationId", "responses")
    now = context.unit.clock.now()
    data = {"responses": params["responses"]}
    await context.unit.resources.save(Resource(KIND, f"{params['conversationId']}/{survey}", data, None, now, now))
    return {"surveyId": survey, "submitted": True, "submittedAt": now.isoformat()}


async def _answered(conversation: str, survey: str, context: Context) -> bool:
    return await context.unit.resources.get(KIND, f"{conversation}/{survey}") is not None
