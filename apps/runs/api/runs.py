"""Calls on runs."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.core.errors import BadRequest
from apps.runs.api.serializers import HappenedIn, RunDetailOut, RunIn, RunOut, UnknownStepOut
from apps.runs.models import RunState
from apps.runs.operations.doubts import effect_check, effect_happened, effect_send_again
from apps.runs.operations.runs import run_cancel, run_retry, run_start
from apps.runs.policy import CANCEL, READ, READ_EFFECTS, RETRY, SETTLE_EFFECTS, START
from apps.runs.queries.effects import unknown_list
from apps.runs.queries.runs import RunFilter, run_get, run_list

TAGS = ("runs",)
FILTERS = (
    OpenApiParameter("workflow_id", UUID, description="Runs of one workflow."),
    OpenApiParameter("environment", str, description="Runs in one environment, by name."),
    OpenApiParameter("state", str, description="One state, or several with commas between."),
    OpenApiParameter(
        "source", str, description="http, api, manual, message, trigger, event, schedule, link, hook or auto."
    ),
    OpenApiParameter("correlation", str, description="Instance key or message id."),
    OpenApiParameter("since", datetime, description="Started at or after."),
    OpenApiParameter("until", datetime, description="Started before."),
    OpenApiParameter("dead", bool, description="true: only runs whose message is a dead letter."),
)


def run_filter(request: Request) -> RunFilter:
    """Read the query parameters; raise `BadRequest` for values that no run can have."""
    given = request.query_params
    states = tuple(state for state in given.get("state", "").split(",") if state)
    if not set(states) <= set(RunState.values):
        raise BadRequest(f"state is among {', '.join(RunState.values)}.", code="parameter.bad")
    return RunFilter(
        workflow_id=_uuid(given.get("workflow_id")),
        environment=given.get("environment") or None,
        states=states,
        source=given.get("source") or None,
        correlation=given.get("correlation") or None,
        since=_moment(given.get("since")),
        until=_moment(given.get("until")),
        dead_only=given.get("dead") == "true",
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadRequest("workflow_id is a UUID.", code="parameter.bad") from None


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadRequest("Times are written as 2026-01-31T09:30:00Z.", code="parameter.bad")
    return found


class Runs(ApiView):
    """All runs of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    @call("run_list", answers=page_of(RunOut), parameters=(CURSOR, LIMIT, *FILTERS), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List runs, newest first, without their payloads."""
        wanted = paging.wanted(request)
        page = run_list(wanted=run_filter(request), after=wanted.after, limit=wanted.limit)
        return paging.answer(page, lambda row: row)


class WorkflowRuns(ApiView):
    """Starting runs of one workflow."""

    permissions: ClassVar[dict[str, str]] = {"POST": START}

    @call(
        "run_start",
        takes=RunIn,
        answers=RunDetailOut,
        status=202,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 413, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Accept a run of what is live; a worker drives it."""
        run = run_start(workflow_id=workflow_id, **self.body(RunIn), actor=self.actor)
        answer = Response(run, status=202)
        mount, prefix, _ = request.path.partition("/api/v1/")
        answer["Location"] = f"{mount}{prefix}runs/{run['id']}"
        return answer


class Run(ApiView):
    """One run."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    @call("run_get", answers=RunDetailOut, tags=TAGS)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Return a run with its steps, input, output and error."""
        return Response(run_get(run_id=run_id))


class RunCancel(ApiView):
    """Ending a run."""

    permissions: ClassVar[dict[str, str]] = {"POST": CANCEL}

    @call("run_cancel", answers=RunDetailOut, refuses=(409,), tags=TAGS)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Cancel a run that has not ended."""
        return Response(run_cancel(run_id=run_id, actor=self.actor))


class RunRetry(ApiView):
    """Trying again."""

    permissions: ClassVar[dict[str, str]] = {"POST": RETRY}

    @call("run_retry", answers=RunDetailOut, refuses=(409,), tags=TAGS)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Try a failed run again from the step that failed."""
        return Response(run_retry(run_id=run_id, actor=self.actor))


class UnknownSteps(ApiView):
    """Steps whose effect is in doubt."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_EFFECTS}

    @call("unknown_step_list", answers=page_of(UnknownStepOut), parameters=(CURSOR, LIMIT), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List steps of which nobody knows whether their effect happened, newest first."""
        wanted = paging.wanted(request)
        return paging.answer(unknown_list(after=wanted.after, limit=wanted.limit), lambda row: row)


class UnknownStepCheck(ApiView):
    """Looking whether a receipt has come."""

    permissions: ClassVar[dict[str, str]] = {"POST": SETTLE_EFFECTS}

    @call("unknown_step_check", answers=RunDetailOut, refuses=(409,), tags=TAGS)
    def post(self, request: Request, step_id: UUID) -> Response:
        """Settle the effect when its receipt is there."""
        return Response(effect_check(step_id=step_id, actor=self.actor))


class UnknownStepHappened(ApiView):
    """A person's word that it happened."""

    permissions: ClassVar[dict[str, str]] = {"POST": SETTLE_EFFECTS}

    @call("unknown_step_happened", takes=HappenedIn, answers=RunDetailOut, refuses=(409, 415, 422), tags=TAGS)
    def post(self, request: Request, step_id: UUID) -> Response:
        """Take the effect as done and go on."""
        return Response(effect_happened(step_id=step_id, **self.body(HappenedIn), actor=self.actor))


class UnknownStepSendAgain(ApiView):
    """Doing it once more."""

    permissions: ClassVar[dict[str, str]] = {"POST": SETTLE_EFFECTS}

    @call("unknown_step_send_again", answers=RunDetailOut, refuses=(409,), tags=TAGS)
    def post(self, request: Request, step_id: UUID) -> Response:
        """Repeat the effect, with the same key."""
        return Response(effect_send_again(step_id=step_id, actor=self.actor))
