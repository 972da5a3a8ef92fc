-- What a driver of durable runs writes: as `relay` for a group of runs, or as `app` inside the transaction of a step
-- that changed something through its unit. Every statement here is fenced by `fence`.

-- name: fence
select w.run_id from runs_work w
join unnest(%(runs)s::uuid[], %(epochs)s::integer[]) as mine (run_id, epoch) using (run_id, epoch)
where w.owner = %(owner)s
order by w.run_id
for update of w

-- name: update_runs
update runs_run r set
    state = n.state,
    wait_reason = n.wait_reason, wait_since = n.wait_since, wait_until = n.wait_until, wait_for = n.wait_for,
    output = n.output, error = n.error, progress = n.progress, http_status = n.http_status,
    sequence = r.sequence + n.changes,
    finished_at = case when n.ended then weft_now() end,
    duration_us = case when n.ended then extract(epoch from weft_now() - r.started_at) * 1000000 end,
    dead_at = case when n.dead then weft_now() end
from unnest(
    %(runs)s::uuid[], %(states)s::text[], %(wait_reasons)s::text[], %(wait_sinces)s::timestamptz[],
    %(wait_untils)s::timestamptz[], %(wait_fors)s::text[], %(outputs)s::bytea[], %(errors)s::bytea[],
    %(progresses)s::bytea[], %(statuses)s::smallint[], %(changes)s::integer[],
    %(ended)s::boolean[], %(dead)s::boolean[]
) as n (
    id, state, wait_reason, wait_since, wait_until, wait_for, output, error, progress, http_status, changes,
    ended, dead
)
where r.id = n.id and r.state in ('running', 'waiting')
returning r.id, r.sequence

-- name: upsert_steps
insert into runs_step (
    id, tenant_id, run_id, position, name, kind, path, module, key, state, attempt, epoch, sequence,
    started_at, duration_us, input, output, error, logs
)
select * from unnest(
    %(ids)s::uuid[], %(tenants)s::uuid[], %(runs)s::uuid[], %(positions)s::integer[], %(names)s::text[],
    %(kinds)s::text[], %(paths)s::text[], %(modules)s::text[], %(keys)s::uuid[], %(states)s::text[],
    %(attempts)s::smallint[], %(epochs)s::integer[], %(sequences)s::integer[], %(started)s::timestamptz[],
    %(durations)s::bigint[], %(inputs)s::bytea[], %(outputs)s::bytea[], %(errors)s::bytea[], %(logs)s::bytea[]
)
on conflict (id) do update set
    state = excluded.state, attempt = excluded.attempt, epoch = excluded.epoch, sequence = excluded.sequence,
    duration_us = excluded.duration_us, output = excluded.output, error = excluded.error,
    logs = coalesce(runs_step.logs, '') || coalesce(excluded.logs, '')

-- name: drop_work
delete from runs_work where run_id = any(%(runs)s::uuid[])

-- name: begin_tries
update runs_work w set try_until = n.until
from unnest(%(runs)s::uuid[], %(untils)s::timestamptz[]) as n (run_id, until)
where w.run_id = n.run_id

-- name: queue_work
update runs_work w set owner = null, lease_until = null, try_until = null, ready_at = n.ready_at
from unnest(%(runs)s::uuid[], %(ready)s::timestamptz[]) as n (run_id, ready_at)
where w.run_id = n.run_id

-- name: free_lanes_done
with gone as (delete from runs_delivery where run_id = any(%(runs)s::uuid[]) and dead_at is null returning lane_id)
update runs_lane l set run_id = null, head = l.head + 1 from gone
where l.id = gone.lane_id and l.run_id = any(%(runs)s::uuid[])
returning l.head <= l.last

-- name: free_lanes_dead
with dead as (
    update runs_delivery set dead_at = weft_now() where run_id = any(%(runs)s::uuid[]) and dead_at is null
    returning lane_id
)
update runs_lane l set run_id = null, head = l.head + 1 from dead
where l.id = dead.lane_id and l.run_id = any(%(runs)s::uuid[])
returning l.head <= l.last
