"""Shapes of what the calls on runs take and answer."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from apps.core.api.shapes import Taken

Data = serializers.Serializer[Any]


class RunIn(Taken):
    """What to run: a section, a state-machine definition or a pipeline of the document, and its data."""

    environment = serializers.CharField(default="prod", max_length=63)
    workflow = serializers.CharField(max_length=200)
    action = serializers.CharField(default="", allow_blank=True, max_length=200)
    data = serializers.JSONField(default=dict)  # type: ignore[assignment]


class WorkflowRefOut(Data):
    """Which workflow."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()


WaitOut = inline_serializer(  # made from a mapping because one field is called `for`
    "WaitOut",
    {
        "reason": serializers.CharField(),
        "since": serializers.DateTimeField(allow_null=True),
        "until": serializers.DateTimeField(allow_null=True),
        "for": serializers.CharField(allow_null=True),
    },
    allow_null=True,
)


class StepOut(Data):
    """One step of a run."""

    index = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    path = serializers.CharField()
    module = serializers.CharField()
    state = serializers.CharField()
    attempt = serializers.IntegerField()
    epoch = serializers.IntegerField(required=False)
    started_at = serializers.DateTimeField()
    duration_us = serializers.IntegerField(allow_null=True)
    input = serializers.JSONField(
        allow_null=True, help_text="What the step was given; null when it is not known, a text when it is over 64 KB."
    )
    output = serializers.JSONField(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    logs = serializers.ListField(child=serializers.DictField())


class RunOut(Data):
    """A run in a list."""

    id = serializers.UUIDField()
    workflow = WorkflowRefOut()
    version = serializers.IntegerField()
    environment = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    entry = serializers.CharField()
    section = serializers.CharField()
    action = serializers.CharField()
    definition = serializers.CharField()
    route = serializers.CharField()
    state = serializers.ChoiceField(["running", "waiting", "done", "failed", "cancelled"])
    wait = WaitOut
    correlation = serializers.CharField(allow_null=True)
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    request_id = serializers.CharField()
    http_status = serializers.IntegerField(allow_null=True)
    attempt = serializers.IntegerField()
    sequence = serializers.IntegerField(help_text="Number of the latest change; the live socket resumes from it.")
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_us = serializers.IntegerField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    dead_at = serializers.DateTimeField(allow_null=True)


class RunDetailOut(RunOut):
    """A run with everything it did."""

    input = serializers.JSONField(allow_null=True)
    output = serializers.JSONField(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    steps = StepOut(many=True)
    links = serializers.DictField(child=serializers.CharField())


class UnknownStepOut(Data):
    """A step whose effect may or may not have happened."""

    id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    path = serializers.CharField()
    module = serializers.CharField()
    attempt = serializers.IntegerField()
    key = serializers.UUIDField(help_text="The idempotency key that was sent.")
    effect = serializers.CharField(allow_null=True)
    intended_at = serializers.DateTimeField(allow_null=True)
    error = serializers.JSONField(allow_null=True)


class HappenedIn(Taken):
    """What the target answered, as far as is known."""

    value = serializers.JSONField(default=None, allow_null=True)


class InstanceOut(Data):
    """A state-machine instance in a list."""

    id = serializers.UUIDField()
    workflow = WorkflowRefOut()
    environment = serializers.CharField()
    machine = serializers.CharField()
    key = serializers.CharField()
    state = serializers.CharField()
    previous_state = serializers.CharField(allow_null=True)
    completed = serializers.BooleanField()
    error = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class InstanceDetailOut(InstanceOut):
    """An instance with its data and history."""

    data = serializers.JSONField()  # type: ignore[assignment]
    history = serializers.ListField(child=serializers.DictField())


class TransitionIn(Taken):
    """Which transition to make, with data for its hooks and steps."""

    transition = serializers.CharField(max_length=200)
    data = serializers.DictField(default=dict)  # type: ignore[assignment]


class ScheduleOut(Data):
    """One job of a live version that is due by the clock."""

    id = serializers.UUIDField()
    workflow = WorkflowRefOut()
    version = serializers.IntegerField()
    environment = serializers.CharField()
    name = serializers.CharField()
    timetable = serializers.CharField(help_text="Five cron fields and their time zone unless it is UTC, or `@every`.")
    definition = serializers.CharField()
    action = serializers.CharField()
    next_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField(allow_null=True, help_text="The time that the last run was for.")
    last_run = serializers.UUIDField(allow_null=True)


class MessageOut(Data):
    """A message in a list."""

    id = serializers.UUIDField()
    environment = serializers.CharField()
    workflow_id = serializers.UUIDField()
    run_id = serializers.UUIDField(allow_null=True)
    topic = serializers.CharField()
    key = serializers.CharField(allow_null=True)
    published_at = serializers.DateTimeField()


class MessageDetailOut(MessageOut):
    """A message with its payload and who handled it."""

    payload = serializers.JSONField(allow_null=True)
    headers = serializers.JSONField(allow_null=True)
    deliveries = serializers.ListField(child=serializers.DictField())
    runs = serializers.ListField(child=serializers.DictField())


class DeadLetterOut(Data):
    """A delivery that finally failed."""

    id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    workflow_id = serializers.UUIDField()
    subscription = serializers.CharField()
    run_id = serializers.UUIDField(allow_null=True)
    replays = serializers.IntegerField()
    dead_at = serializers.DateTimeField(allow_null=True)
    topic = serializers.CharField()
    error = serializers.JSONField(allow_null=True)
