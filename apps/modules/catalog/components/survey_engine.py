"""Ask texters how they are when they come and when they go.

`action: get_survey` returns the survey `surveyId` with its questions, `submit` keeps the answers of a conversation (a
map by question, or a list of `{id, value}`; they are not judged), `check_pending` tells which surveys a conversation
has not answered: the one that `surveyId` names, else the general pair `entry` and `exit`. Answers may be kept for a
survey of the document's own as well. Without an action it was called by a transition and says so.
"""

from typing import Any

from apps.engine.module import Context
from apps.engine.ports import Resource
from apps.modules.catalog.components._asking import asked, demand, unknown
from apps.modules.catalog.components._surveys import GENERAL, SURVEYS

NAME = "survey_engine"
WRITES = True
KIND = "component.survey_engine"  # of the stored answers, by conversation and survey
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "get_survey, submit or check_pending."},
        "surveyId": {"type": "string", "description": "entry, exit, or survey-001 to survey-005."},
        "conversationId": {"type": "string", "description": "Whose answers they are."},
        "responses": {"type": "any", "description": "Answers by question, or a list of {id, value}."},
    },
    "outputs": {
        "survey": {"type": "map", "description": "What was asked for: id, type, title and questions."},
        "questions": {"type": "slice", "description": "What is asked."},
        "submitted": {"type": "bool", "description": "Whether the answers were kept."},
        "responseId": {"type": "string", "description": "Names the answers that were kept."},
        "answerCount": {"type": "int", "description": "How many answers were kept."},
        "completedAt": {"type": "string", "description": "When they were kept."},
        "pending": {"type": "slice", "description": "Surveys without an answer."},
        "hasPending": {"type": "bool", "description": "Whether there is one."},
        "event": {"type": "string", "description": "transition_hook when no action was asked for."},
    },
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
        return await _pending(params, context)
    return _survey(params) if action == "get_survey" else await _submit(params, context)


def _survey(params: dict[str, Any]) -> dict[str, Any]:
    demand(params, "surveyId")
    name = params["surveyId"]
    if name not in SURVEYS:
        raise unknown("surveyId", name, SURVEYS)
    survey = {"id": name, **SURVEYS[name]}
    return {"surveyId": name, "survey": survey, "questions": survey["questions"]}


async def _submit(params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "surveyId", "conversationId", "responses")
    conversation, survey = params["conversationId"], params["surveyId"]
    responses = _by_question(params["responses"])
    now = context.unit.clock.now()
    await context.unit.resources.save(
        Resource(KIND, f"{conversation}/{survey}", {"responses": responses}, None, now, now)
    )
    return {
        "surveyId": survey,
        "conversationId": conversation,
        "responseId": f"resp-{context.step_id}",
        "answerCount": len(responses),
        "submitted": True,
        "submittedAt": now.isoformat(),
        "completedAt": now.isoformat(),
    }


def _by_question(said: Any) -> dict[str, Any]:
    if isinstance(said, dict):
        return said
    if isinstance(said, list) and all(isinstance(answer, dict) and "id" in answer for answer in said):
        return {str(answer["id"]): answer.get("value") for answer in said}
    raise unknown("responses", said, ("a map of answers by question", "a list of {id, value}"))


async def _pending(params: dict[str, Any], context: Context) -> dict[str, Any]:
    demand(params, "conversationId")
    conversation = params["conversationId"]
    wanted = (params["surveyId"],) if params.get("surveyId") else GENERAL
    pending = [name for name in wanted if not await _answered(conversation, name, context)]
    return {"conversationId": conversation, "pending": pending, "hasPending": bool(pending)}


async def _answered(conversation: str, survey: str, context: Context) -> bool:
    return await context.unit.resources.get(KIND, f"{conversation}/{survey}") is not None
