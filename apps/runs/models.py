"""What runs: the journal, the queues that drive it, messages, effects, instances and stored resources.

Payload columns are bytes (orjson, sealed: `rules/sealing.py`), never searched. Queue tables (`Work`, `Lane`) hold ids,
keys, times and leases only, because the role that claims sees them across tenants. Journal tables are partitioned by
the day in their ids and carry no foreign keys: a day is dropped whole.
"""

from django.db import models
from django.db.models import Q

from apps.core.models import TenantModel


class RunState(models.TextChoices):
    """Where a run stands; the last three are final."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run(TenantModel):
    """One execution: a request served in place, or a run that a worker drives to its end.

    `steps` holds the traces of a request; the steps of a durable run are rows of their own. `progress` is where a
    durable run stands, empty once it is finished. `sequence` numbers the changes of this run's story.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    version_id = models.UUIDField()
    version_number = models.IntegerField()
    source = models.TextField()
    entry = models.TextField()
    section = models.TextField()
    action = models.TextField(default="")
    workflow_name = models.TextField(default="")
    route = models.TextField(default="")
    state = models.TextField(choices=RunState)
    wait_reason = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    wait_since = models.DateTimeField(null=True, default=None)
    wait_until = models.DateTimeField(null=True, default=None)
    wait_for = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    correlation = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    parent_id = models.UUIDField(null=True, default=None)
    delivery_id = models.UUIDField(null=True, default=None)
    request_id = models.TextField(default="")
    http_status = models.SmallIntegerField(null=True, default=None)
    input = models.BinaryField(null=True, default=None)
    output = models.BinaryField(null=True, default=None)
    error = models.BinaryField(null=True, default=None)
    steps = models.BinaryField(null=True, default=None)
    progress = models.BinaryField(null=True, default=None)
    attempt = models.SmallIntegerField(default=1)
    sequence = models.IntegerField(default=1)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, default=None)
    duration_us = models.BigIntegerField(null=True, default=None)
    cancel_requested_at = models.DateTimeField(null=True, default=None)
    dead_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="run_by_tenant"),
            models.Index(fields=["tenant", "workflow_id", "-id"], name="run_by_workflow"),
            models.Index(
                fields=["tenant", "state", "-id"],
                name="run_unfinished",
                condition=Q(state__in=["running", "waiting", "failed", "cancelled"]),
            ),
            models.Index(
                fields=["tenant", "correlation", "-id"],
                name="run_by_correlation",
                condition=Q(correlation__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Step(TenantModel):
    """One step of a durable run; its id is derived from the run's id and the step's name, so it survives attempts.

    `key` is what leaves the house as idempotency key; `sequence` is the number of the step's latest change in the run.
    """

    run_id = models.UUIDField()
    position = models.IntegerField()
    name = models.TextField()
    kind = models.TextField()
    path = models.TextField(default="")
    module = models.TextField(default="")
    key = models.UUIDField()
    state = models.TextField()
    attempt = models.SmallIntegerField(default=1)
    epoch = models.IntegerField(default=1)
    sequence = models.IntegerField()
    started_at = models.DateTimeField()
    duration_us = models.BigIntegerField(null=True, default=None)
    input = models.BinaryField(null=True, default=None)
    output = models.BinaryField(null=True, default=None)
    error = models.BinaryField(null=True, default=None)
    logs = models.BinaryField(null=True, default=None)

    class Meta:
        indexes = [
            models.Index(fields=["run_id", "sequence"], name="step_by_run"),
            models.Index(fields=["tenant", "-id"], name="step_unknown", condition=Q(state="unknown")),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name}"


class Work(TenantModel):
    """The ready or leased step of a run (queue). A claim moves `ready_at` to the end of the lease.

    No lease is prolonged beyond `try_until`, the time by which the try that its owner is in must have ended.
    """

    run_id = models.UUIDField()
    shard = models.SmallIntegerField()
    ready_at = models.DateTimeField()
    owner = models.UUIDField(null=True, default=None)
    epoch = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True, default=None)
    try_until = models.DateTimeField(null=True, default=None)
    crashes = models.SmallIntegerField(db_default=0)  # claims in a row whose owner fell silent

    class Meta:
        indexes = [models.Index(fields=["ready_at"], name="work_ready")]
        constraints = [models.UniqueConstraint(fields=["run_id"], name="one_work_row_per_run")]

    def __str__(self) -> str:
        return f"{self.run_id} at {self.ready_at}"


class Subscription(TenantModel):
    """What a live deployment listens to; rewritten inside the deployment's transaction.

    Rows of one name are one ordered queue over several topics. A link between workflows is a row of its target too: it
    hears messages of `source_workflow_id` only, in every environment (`EVERYWHERE`), and `link` is what it says.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    version_id = models.UUIDField()
    version_number = models.IntegerField()
    name = models.TextField()
    topic = models.TextField()
    entry = models.TextField()
    ordering = models.TextField()
    source_workflow_id = models.UUIDField(null=True, default=None)
    link = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment_id", "workflow_id", "name", "topic"], name="subscription_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["source_workflow_id"],
                name="subscription_by_source",
                condition=Q(source_workflow_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} -> {self.entry}"


class Schedule(TenantModel):
    """One job of a live deployment that is due by the clock (queue); kept by deployments that do not change it.

    `name` and `timetable` are the document's (`engine/schedules.py`). A sweep fires what is due: `last_at` is the time
    that the last run was for. Until `claimed_until` other sweeps leave it to the one that reads its document.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    version_id = models.UUIDField()
    version_number = models.IntegerField()
    name = models.TextField()
    timetable = models.TextField()
    workflow_name = models.TextField()
    action = models.TextField(default="")
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True, default=None)
    last_run_id = models.UUIDField(null=True, default=None)
    claimed_until = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment_id", "workflow_id", "name"], name="schedule_once"),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="schedule_due"),
            models.Index(fields=["tenant", "-id"], name="schedule_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.next_at}"


class Consumer(TenantModel):
    """One broker outside that a live deployment listens to (queue); one worker at a time has its lease.

    `received_at` is when something was taken in last.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    version_id = models.UUIDField()
    version_number = models.IntegerField()
    broker = models.TextField()
    owner = models.UUIDField(null=True, default=None)
    lease_until = models.DateTimeField(null=True, default=None)
    received_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment_id", "workflow_id", "broker"], name="consumer_once"),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="consumer_by_tenant")]

    def __str__(self) -> str:
        return f"{self.broker} of {self.workflow_id}"


class Lane(TenantModel):
    """One ordered queue (queue): `last` is the number given out, `head` the next one to deliver.

    `run_id` is the run that holds the lane; the lane is free when it is empty.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    subscription = models.TextField()
    key = models.TextField()
    last = models.BigIntegerField(default=0)
    head = models.BigIntegerField(default=1)
    run_id = models.UUIDField(null=True, default=None)
    shard = models.SmallIntegerField()
    ready_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "environment_id", "workflow_id", "subscription", "key"], name="lane_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["ready_at"], name="lane_ready", condition=Q(run_id__isnull=True, head__lte=models.F("last"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription} {self.key}"


class Message(TenantModel):
    """One published message; immutable."""

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    run_id = models.UUIDField(null=True, default=None)
    topic = models.TextField()
    key = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    headers = models.BinaryField(null=True, default=None)
    payload = models.BinaryField()
    published_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "environment_id", "-id"], name="message_by_environment")]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class Delivery(TenantModel):
    """One message on its way to one subscription; gone when handled, a dead letter when `dead_at` is set.

    Without a lane (`ordering: none`) it is on its way as a run from the start.
    """

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    message_id = models.UUIDField()
    subscription = models.TextField()
    lane_id = models.UUIDField(null=True, default=None)
    number = models.BigIntegerField(null=True, default=None)
    run_id = models.UUIDField(null=True, default=None)
    replays = models.SmallIntegerField(default=0)
    dead_at = models.DateTimeField(null=True, default=None)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["lane_id", "number"], name="delivery_number", condition=Q(dead_at__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="delivery_dead", condition=Q(dead_at__isnull=False)),
            models.Index(fields=["message_id"], name="delivery_by_message"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} -> {self.subscription}"


class EffectEntry(TenantModel):
    """The effect ledger: an intent before a call leaves, a receipt after it; receipts are never refused."""

    run_id = models.UUIDField()
    step_key = models.UUIDField()
    attempt = models.SmallIntegerField()
    kind = models.TextField()
    effect = models.TextField()
    key = models.TextField()
    intended_at = models.DateTimeField()
    receipt = models.BinaryField(null=True, default=None)
    received_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "step_key", "attempt"], name="effect_once_per_attempt")
        ]
        indexes = [models.Index(fields=["run_id"], name="effect_by_run")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Instance(TenantModel):
    """One state-machine instance; `key` is the caller's id for it."""

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    machine = models.TextField()
    key = models.TextField()
    state = models.TextField()
    previous_state = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    data = models.BinaryField()
    completed = models.BooleanField(default=False)
    error = models.BinaryField(null=True, default=None)
    sequence = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "environment_id", "workflow_id", "machine", "key"], name="instance_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="instance_by_tenant"),
            models.Index(
                fields=["workflow_id", "environment_id", "machine", "state"],
                name="instance_live",
                condition=Q(completed=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.key}"


class InstanceTransition(TenantModel):
    """One line of an instance's history."""

    instance_id = models.UUIDField()
    sequence = models.IntegerField()
    transition = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    data = models.BinaryField()
    run_id = models.UUIDField(null=True, default=None)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["instance_id", "sequence"], name="transition_by_instance")]

    def __str__(self) -> str:
        return f"{self.transition} {self.from_state} -> {self.to_state}"


class StoredResource(TenantModel):
    """One object of a collection of `api.handler`, `persistence.store` or the users of `auth.jwt`."""

    environment_id = models.UUIDField()
    workflow_id = models.UUIDField()
    kind = models.TextField()
    key = models.TextField()
    data = models.BinaryField()
    state = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "environment_id", "workflow_id", "kind", "key"], name="resource_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "environment_id", "workflow_id", "kind", "id"], name="resource_in_order"),
            models.Index(fields=["expires_at"], name="resource_expiry", condition=models.Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Worker(models.Model):
    """A worker process and when it was last alive; belongs to no tenant."""

    id = models.UUIDField(primary_key=True)
    host = models.TextField()
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class Sweep(models.Model):
    """When each of the product's own sweeps last succeeded; belongs to no tenant."""

    name = models.TextField(primary_key=True)
    last_success = models.DateTimeField(null=True, default=None)
    last_error = models.TextField(null=True, default=None)  # noqa: DJ001 - absent is not empty
    counts = models.TextField(default="{}")

    def __str__(self) -> str:
        return self.name
