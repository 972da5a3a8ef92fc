-- Claims, leases and lanes (role relay). Times are the database's; a volatile clock inside a sub-select keeps the index.

-- name: claim
with c as materialized (
    select id, owner, lease_until, try_until from runs_work where ready_at <= (select weft_now())
    order by ready_at limit %(limit)s for update skip locked
)
update runs_work w set
    owner = %(owner)s, epoch = w.epoch + 1,
    crashes = case when c.owner is null then 0 else least(w.crashes + 1, 1000) end,
    lease_until = weft_now() + %(lease)s, ready_at = weft_now() + %(lease)s, try_until = null
from c where w.id = c.id
returning w.tenant_id, w.run_id, w.epoch, c.owner is not null, w.crashes,
    coalesce(c.owner is not null and c.try_until <= c.lease_until, false)

-- name: load_runs
select id, tenant_id, environment_id, workflow_id, version_id, version_number, entry, source, section, action,
    workflow_name, request_id, progress, input, sequence, delivery_id, started_at, weft_now()
from runs_run where id = any(%(runs)s::uuid[]) and state in ('running', 'waiting')

-- name: load_effects
select run_id, step_key, attempt, receipt from runs_effectentry where run_id = any(%(runs)s::uuid[])

-- name: drop_orphans
delete from runs_work where run_id = any(%(runs)s::uuid[]) and owner = %(owner)s

-- name: heartbeat
update runs_work w set
    try_until = n.until,
    lease_until = least(weft_now() + %(lease)s, n.until), ready_at = least(weft_now() + %(lease)s, n.until)
from unnest(%(runs)s::uuid[], %(untils)s::timestamptz[]) as n (run_id, until)
where w.run_id = n.run_id and w.owner = %(owner)s
returning w.run_id

-- name: forgive
update runs_work set crashes = greatest(crashes - 1, 0) where run_id = %(run)s and owner = %(owner)s

-- name: adopt
update runs_work set owner = %(owner)s, epoch = epoch + 1, lease_until = ready_at
where run_id = %(run)s and owner is null
returning epoch

-- name: release
update runs_work set owner = null, lease_until = null, try_until = null, ready_at = weft_now() where owner = %(owner)s

-- name: claim_lanes
select l.id, l.tenant_id, l.environment_id, l.workflow_id, l.subscription, l.key, d.id, d.message_id, d.replays
from (
    select * from runs_lane where run_id is null and head <= last and ready_at <= (select weft_now())
    order by ready_at limit %(limit)s for update skip locked
) l
left join runs_delivery d on d.lane_id = l.id and d.number = l.head and d.dead_at is null

-- name: load_messages
select id, tenant_id, topic, key, headers, payload from runs_message where id = any(%(messages)s::uuid[])

-- name: load_subscriptions
select environment_id, workflow_id, name, version_id, version_number, topic, entry, link from runs_subscription
where (environment_id, workflow_id, name) in (
    select * from unnest(%(environments)s::uuid[], %(workflows)s::uuid[], %(names)s::text[])
)

-- name: hold_lanes
update runs_lane l set run_id = n.run_id, ready_at = weft_now()
from unnest(%(lanes)s::uuid[], %(runs)s::uuid[]) as n (lane_id, run_id) where l.id = n.lane_id

-- name: postpone_lanes
update runs_lane set ready_at = weft_now() + interval '5 seconds' where id = any(%(lanes)s::uuid[])

-- name: start_deliveries
update runs_delivery d set run_id = n.run_id
from unnest(%(deliveries)s::uuid[], %(runs)s::uuid[]) as n (delivery_id, run_id) where d.id = n.delivery_id

-- name: skip_heads
update runs_lane set head = head + 1 where id = any(%(lanes)s::uuid[])

-- name: bury
update runs_delivery set dead_at = weft_now() where id = any(%(deliveries)s::uuid[])

-- name: mark_dead
update runs_run set dead_at = weft_now() where id = any(%(runs)s::uuid[])

-- name: worker_seen
insert into runs_worker (id, host, pid, started_at, seen_at) values (%(owner)s, %(host)s, %(pid)s, weft_now(), weft_now())
on conflict (id) do update set seen_at = excluded.seen_at

-- name: worker_gone
delete from runs_worker where id = %(owner)s
