"""Rows and ids of the runs app, for the isolation sweeps."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models

from apps.core.clock import now
from apps.core.scope import SYSTEM, scope
from apps.engine.ids import uuid7
from apps.runs import models as tables
from tests.support.examples.workflows import live_workflow, workflow_id
from tests.support.isolation import body, parameter, row, socket, task_without_tenant
from tests.support.tenants import TenantFixture


@row(
    "runs_run", "runs_step", "runs_work", "runs_subscription", "runs_schedule", "runs_consumer", "runs_lane",
    "runs_message", "runs_delivery", "runs_effectentry", "runs_instance", "runs_instancetransition",
    "runs_storedresource",
)  # fmt: skip
def one_of_each(tenant: TenantFixture) -> None:
    """Write a run with a step in doubt, a dead letter, an instance and a stored object."""
    live_workflow(tenant)
    place = {"environment_id": tenant.environments["prod"].id, "workflow_id": workflow_id(tenant)}
    version = {"version_id": uuid7(), "version_number": 1}
    with scope(tenant.id, SYSTEM):
        moment = now()
        never = moment + timedelta(days=400)  # is any of it due: later tests' workers would take it up again and again
        run = _kept(
            tables.Run,
            **place,
            **version,
            source="api",
            entry="pipeline:p",
            section="pipelines",
            state="waiting",
            wait_reason="unknown effect",
            input=tenant.slug.encode(),
            started_at=moment,
        )
        key = uuid7()
        _kept(
            tables.Step, run_id=run, position=0, name="call", kind="uses", key=key, state="unknown", sequence=1,
            started_at=moment,
        )  # fmt: skip
        _kept(
            tables.EffectEntry, run_id=run, step_key=key, attempt=1, kind="call", effect="once", key=str(key),
            intended_at=moment,
        )  # fmt: skip
        _kept(tables.Work, run_id=run, shard=0, ready_at=never)
        _kept(tables.Subscription, **place, **version, name=f"s {run}", topic="t", entry="message:s", ordering="key")
        _kept(
            tables.Schedule, **place, **version, name=f"s {run}", timetable="0 0 1 1 *", workflow_name="w",
            next_at=never,
        )  # fmt: skip
        _kept(tables.Consumer, **place, **version, broker=f"b {run}", owner=run, lease_until=never)
        lane = _kept(tables.Lane, **place, subscription="s", key=tenant.slug, shard=0, ready_at=never, head=2, last=1)
        message = _kept(tables.Message, **place, topic="t", payload=b"{}", published_at=moment)
        _kept(
            tables.Delivery, **place, message_id=message, subscription="s", lane_id=lane, number=1, run_id=run,
            dead_at=moment,
        )  # fmt: skip
        instance = _kept(
            tables.Instance, **place, machine="m", key=str(run), state="new", data=b"{}", started_at=moment,
            updated_at=moment,
        )  # fmt: skip
        _kept(
            tables.InstanceTransition, instance_id=instance, sequence=1, transition="go", from_state="a", to_state="b",
            data=b"{}", at=moment,
        )  # fmt: skip
        _kept(
            tables.StoredResource, **place, kind="orders", key=str(run), data=b"{}", created_at=moment,
            updated_at=moment,
        )  # fmt: skip


def _kept(table: type[models.Model], **values: Any) -> UUID:
    made: Any = table(**values)
    made.save(force_insert=True)
    identity: UUID = made.id
    return identity


def latest(table: Any) -> Any:
    """Return a function that gives the id of a tenant's newest row."""

    def find(tenant: TenantFixture) -> UUID:
        with scope(tenant.id, SYSTEM):
            identity: UUID = table.objects.order_by("-id").values_list("id", flat=True)[0]
            return identity

    return find


parameter("run_id", latest(tables.Run))
parameter("step_id", latest(tables.Step))
parameter("instance_id", latest(tables.Instance))
parameter("message_id", latest(tables.Message))
parameter("delivery_id", latest(tables.Delivery))

body("POST", "workflows/<uuid:workflow_id>/runs", lambda tenant: {"workflow": "http", "data": {}})
body("POST", "runs/<uuid:run_id>/cancel")
body("POST", "runs/<uuid:run_id>/retry")
body("POST", "unknown-steps/<uuid:step_id>/check")
body("POST", "unknown-steps/<uuid:step_id>/happened", lambda tenant: {"value": {"stolen": True}})
body("POST", "unknown-steps/<uuid:step_id>/send-again")
body("POST", "instances/<uuid:instance_id>/transitions", lambda tenant: {"transition": "go", "data": {}})
body("POST", "dead-letters/<uuid:delivery_id>/replay")

task_without_tenant("runs.wake")
task_without_tenant("runs.sweep")

LIVE = "ws/t/<slug:tenant>/"
socket(LIVE, "subscribe", lambda tenant: {"type": "subscribe", "stream": f"run:{latest(tables.Run)(tenant)}"})
socket(LIVE, "unsubscribe", lambda tenant: {"type": "unsubscribe", "stream": f"run:{latest(tables.Run)(tenant)}"})
socket(LIVE, "ping", lambda tenant: {"type": "ping"})
