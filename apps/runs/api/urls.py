"""Addresses of runs, instances and messages under `/api/v1/` and `/t/<tenant>/api/v1/`."""

from django.urls import path

from apps.runs.api.instances import Instance, Instances, InstanceTransitions
from apps.runs.api.messages import DeadLetter, DeadLetterReplay, DeadLetters, Message, Messages
from apps.runs.api.runs import (
    Run,
    RunCancel,
    RunRetry,
    Runs,
    UnknownStepCheck,
    UnknownStepHappened,
    UnknownSteps,
    UnknownStepSendAgain,
    WorkflowRuns,
)
from apps.runs.api.schedules import Schedules, WorkflowSchedules

RUN = "runs/<uuid:run_id>"
STEP = "unknown-steps/<uuid:step_id>"

urlpatterns = [
    path("workflows/<uuid:workflow_id>/runs", WorkflowRuns.as_view(), name="workflow-runs"),
    path("runs", Runs.as_view(), name="runs"),
    path(RUN, Run.as_view(), name="run"),
    path(f"{RUN}/cancel", RunCancel.as_view(), name="run-cancel"),
    path(f"{RUN}/retry", RunRetry.as_view(), name="run-retry"),
    path("schedules", Schedules.as_view(), name="schedules"),
    path("workflows/<uuid:workflow_id>/schedules", WorkflowSchedules.as_view(), name="workflow-schedules"),
    path("unknown-steps", UnknownSteps.as_view(), name="unknown-steps"),
    path(f"{STEP}/check", UnknownStepCheck.as_view(), name="unknown-step-check"),
    path(f"{STEP}/happened", UnknownStepHappened.as_view(), name="unknown-step-happened"),
    path(f"{STEP}/send-again", UnknownStepSendAgain.as_view(), name="unknown-step-send-again"),
    path("instances", Instances.as_view(), name="instances"),
    path("instances/<uuid:instance_id>", Instance.as_view(), name="instance"),
    path("instances/<uuid:instance_id>/transitions", InstanceTransitions.as_view(), name="instance-transitions"),
    path("messages", Messages.as_view(), name="messages"),
    path("messages/<uuid:message_id>", Message.as_view(), name="message"),
    path("dead-letters", DeadLetters.as_view(), name="dead-letters"),
    path("dead-letters/<uuid:delivery_id>", DeadLetter.as_view(), name="dead-letter"),
    path("dead-letters/<uuid:delivery_id>/replay", DeadLetterReplay.as_view(), name="dead-letter-replay"),
]
