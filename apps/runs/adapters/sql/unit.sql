-- What a unit of work reads and writes, as `app` inside its one transaction.

-- name: resource_create
insert into runs_storedresource
    (id, tenant_id, environment_id, workflow_id, kind, key, data, state, expires_at, created_at, updated_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, weft_now(), weft_now())
on conflict (tenant_id, environment_id, workflow_id, kind, key) do update set
    id = excluded.id, data = excluded.data, state = excluded.state, expires_at = excluded.expires_at,
    created_at = excluded.created_at, updated_at = excluded.updated_at
where runs_storedresource.expires_at <= weft_now()
returning created_at

-- name: resource_get
select kind, key, data, state, created_at, updated_at, expires_at from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = %s
    and (expires_at is null or expires_at > weft_now())

-- name: resource_lock
select kind, key, data, state, created_at, updated_at, expires_at from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = %s
    and (expires_at is null or expires_at > weft_now())
for update

-- name: resource_save
insert into runs_storedresource
    (id, tenant_id, environment_id, workflow_id, kind, key, data, state, expires_at, created_at, updated_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, weft_now(), weft_now())
on conflict (tenant_id, environment_id, workflow_id, kind, key) do update set
    data = excluded.data, state = excluded.state, expires_at = excluded.expires_at, updated_at = excluded.updated_at
returning created_at, updated_at

-- name: resource_delete
delete from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = any(%s::text[])

-- name: resource_place
select id from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = any(%s::text[])

-- name: resource_get_any
select kind, key, data, state, created_at, updated_at, expires_at from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = any(%s::text[])
    and (expires_at is null or expires_at > weft_now())

-- name: resource_lock_any
select kind, key, data, state, created_at, updated_at, expires_at from runs_storedresource
where tenant_id = %s and environment_id = %s and workflow_id = %s and kind = %s and key = any(%s::text[])
    and (expires_at is null or expires_at > weft_now())
for update

-- name: resource_rename
update runs_storedresource r set key = %(newest)s
where r.tenant_id = %(tenant)s and r.environment_id = %(environment)s and r.workflow_id = %(workflow)s
    and r.kind = %(kind)s and r.key = any(%(older)s::text[])
    and not exists (
        select from runs_storedresource n
        where n.tenant_id = %(tenant)s and n.environment_id = %(environment)s and n.workflow_id = %(workflow)s
            and n.kind = %(kind)s and n.key = %(newest)s
    )

-- name: resource_page
select kind, key, data, state, created_at, updated_at, expires_at from runs_storedresource
where tenant_id = %(tenant)s and environment_id = %(environment)s and workflow_id = %(workflow)s and kind = %(kind)s
    and id > %(after)s and (cardinality(%(states)s::text[]) = 0 or state = any(%(states)s::text[]))
    and (expires_at is null or expires_at > weft_now())
order by id limit %(limit)s

-- name: instance_get
select id, machine, key, state, previous_state, data, completed, error, sequence, started_at, updated_at
from runs_instance
where tenant_id = %s and environment_id = %s and workflow_id = %s and machine = %s and key = %s

-- name: instance_several
select id, machine, key, state, previous_state, data, completed, error, sequence, started_at, updated_at
from runs_instance
where tenant_id = %s and environment_id = %s and workflow_id = %s and machine = %s and key = any(%s::text[])

-- name: instance_lock
select id, machine, key, state, previous_state, data, completed, error, sequence, started_at, updated_at
from runs_instance
where tenant_id = %s and environment_id = %s and workflow_id = %s and machine = %s and key = %s
for update

-- name: instance_create
insert into runs_instance (
    id, tenant_id, environment_id, workflow_id, machine, key, state, previous_state, data, completed, error, sequence,
    started_at, updated_at
)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, weft_now(), weft_now())
on conflict (tenant_id, environment_id, workflow_id, machine, key) do nothing
returning started_at

-- name: instance_save
update runs_instance set
    state = %(state)s, previous_state = %(previous)s, data = %(data)s, completed = %(completed)s, error = %(error)s,
    sequence = sequence + 1, updated_at = weft_now()
where tenant_id = %(tenant)s and environment_id = %(environment)s and workflow_id = %(workflow)s
    and machine = %(machine)s and key = %(key)s and sequence = %(sequence)s
returning id, sequence, updated_at

-- name: instance_record
insert into runs_instancetransition
    (id, tenant_id, instance_id, sequence, transition, from_state, to_state, data, run_id, at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, weft_now())

-- name: instance_page
select id, machine, key, state, previous_state, data, completed, error, sequence, started_at, updated_at
from runs_instance
where tenant_id = %(tenant)s and environment_id = %(environment)s and workflow_id = %(workflow)s
    and (%(machine)s::text is null or machine = %(machine)s::text)
    and (%(state)s::text is null or state = %(state)s::text)
    and (%(after)s::text is null or key > %(after)s::text)
order by key limit %(limit)s

-- name: instance_history
select t.sequence, t.transition, t.from_state, t.to_state, t.data, t.at
from runs_instancetransition t join runs_instance i on i.id = t.instance_id
where i.tenant_id = %s and i.environment_id = %s and i.workflow_id = %s and i.machine = %s and i.key = %s
order by t.sequence

-- name: message_insert
insert into runs_message
    (id, tenant_id, environment_id, workflow_id, run_id, topic, key, headers, payload, published_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, weft_now())

-- name: deliver_in_lane
with lane as (
    insert into runs_lane (
        id, tenant_id, environment_id, workflow_id, subscription, key, last, head, shard, ready_at
    )
    values (%(lane)s, %(tenant)s, %(environment)s, %(workflow)s, %(subscription)s, %(key)s, 1, 1, %(shard)s, weft_now())
    on conflict (tenant_id, environment_id, workflow_id, subscription, key) do update set last = runs_lane.last + 1
    returning id, last
)
insert into runs_delivery
    (id, tenant_id, environment_id, workflow_id, message_id, subscription, lane_id, number, replays)
select %(id)s, %(tenant)s, %(environment)s, %(workflow)s, %(message)s, %(subscription)s, lane.id, lane.last, %(replays)s
from lane

-- name: deliver_at_once
insert into runs_delivery
    (id, tenant_id, environment_id, workflow_id, message_id, subscription, run_id, replays)
values (%(id)s, %(tenant)s, %(environment)s, %(workflow)s, %(message)s, %(subscription)s, %(run)s, %(replays)s)

-- name: remember_event
insert into core_event_seen (id, tenant_id, source, event_id, expires_at)
values (%s, %s, %s, %s, weft_now() + interval '24 hours')
on conflict (tenant_id, source, event_id) do nothing
returning id

-- name: subscriptions
select workflow_id, version_id, version_number, name, topic, entry, ordering, null from runs_subscription
where environment_id = %s
union all
select workflow_id, version_id, version_number, name, topic, entry, ordering, link from runs_subscription
where source_workflow_id = %s
order by 1, 4
