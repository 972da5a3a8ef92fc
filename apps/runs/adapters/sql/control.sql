-- The control plane's writes on the run path (role app, Django's connection).

-- name: run_lock
select state, progress, source, delivery_id, attempt, version_number, workflow_id, environment_id,
    input
from runs_run where id = %s for update

-- name: run_told
select section, action, workflow_name, tenant_id, environment_id, workflow_id, version_number, started_at
from runs_run where id = %s

-- name: run_cancel
update runs_run set
    state = 'cancelled', error = %s, finished_at = weft_now(), cancel_requested_at = weft_now(),
    duration_us = extract(epoch from weft_now() - started_at) * 1000000,
    dead_at = case when delivery_id is not null then weft_now() end,
    wait_reason = null, wait_since = null, wait_until = null, wait_for = null, sequence = sequence + 1
where id = %s
returning sequence

-- name: steps_cancel
update runs_step set state = 'cancelled', sequence = %s
where run_id = %s and state in ('claimed', 'waiting', 'unknown')

-- name: work_drop
delete from runs_work where run_id = %s

-- name: run_ready
update runs_run set
    state = 'waiting', progress = %s, attempt = %s, error = null, output = null, finished_at = null,
    duration_us = null, dead_at = null, cancel_requested_at = null, http_status = null,
    wait_reason = %s, wait_since = %s, wait_until = null, wait_for = %s, sequence = sequence + 1
where id = %s
returning sequence

-- name: work_queue
insert into runs_work (id, tenant_id, run_id, shard, ready_at, epoch)
values (%s, %s, %s, %s, weft_now(), coalesce((select max(epoch) from runs_step where run_id = %s), 0))
on conflict do nothing

-- name: delivery_revive
update runs_delivery set dead_at = null, lane_id = null, number = null where run_id = %s

-- name: receipt_by_person
update runs_effectentry set receipt = %s, received_at = weft_now()
where step_key = %s and attempt = %s and receipt is null

-- name: subscriptions_clear
delete from runs_subscription where environment_id = %s and workflow_id = %s

-- name: subscription_add
insert into runs_subscription
    (id, tenant_id, environment_id, workflow_id, version_id, version_number, name, topic, entry, ordering)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: link_add
insert into runs_subscription (
    id, tenant_id, environment_id, workflow_id, version_id, version_number, name, topic, entry, ordering,
    source_workflow_id, link
)
values (%(id)s, %(tenant)s, %(everywhere)s, %(target)s, %(no_version)s, 0, %(name)s, %(topic)s, %(entry)s, 'key',
    %(source)s, %(link)s)

-- name: link_drop
delete from runs_subscription where source_workflow_id = %s and name = %s

-- name: schedules_kept
select name, timetable from runs_schedule where environment_id = %s and workflow_id = %s for update

-- name: schedules_drop
delete from runs_schedule where environment_id = %s and workflow_id = %s and not (name = any(%s))

-- name: schedule_put
insert into runs_schedule
    (id, tenant_id, environment_id, workflow_id, version_id, version_number, name, timetable, workflow_name, action,
    next_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (environment_id, workflow_id, name) do update set
    version_id = excluded.version_id, version_number = excluded.version_number, timetable = excluded.timetable,
    workflow_name = excluded.workflow_name, action = excluded.action, claimed_until = null,
    next_at = case when runs_schedule.timetable = excluded.timetable then runs_schedule.next_at else excluded.next_at end

-- name: consumers_drop
delete from runs_consumer where environment_id = %s and workflow_id = %s and not (broker = any(%s))

-- name: consumer_put
insert into runs_consumer (id, tenant_id, environment_id, workflow_id, version_id, version_number, broker)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (environment_id, workflow_id, broker) do update set
    version_id = excluded.version_id, version_number = excluded.version_number

-- name: instances_map
update runs_instance set state = %s, previous_state = state, sequence = sequence + 1, updated_at = weft_now()
where workflow_id = %s and environment_id = %s and machine = %s and state = %s and not completed
returning id, sequence

-- name: transition_add
insert into runs_instancetransition
    (id, tenant_id, instance_id, sequence, transition, from_state, to_state, data, run_id, at)
values (%s, %s, %s, %s, %s, %s, %s, %s, null, weft_now())

-- name: delivery_lock
select d.id, d.tenant_id, d.environment_id, d.workflow_id, d.message_id, d.subscription, d.replays, l.key, d.run_id
from runs_delivery d left join runs_lane l on l.id = d.lane_id
where d.id = %s and d.dead_at is not null for update of d

-- name: delivery_drop
delete from runs_delivery where id = %s
