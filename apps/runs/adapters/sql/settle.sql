-- Make a parked run ready again, as `relay` or as `app`.

-- name: lock_unknown
select progress, input from runs_run where id = %s and state = 'waiting' and wait_reason = 'unknown effect' for update

-- name: make_ready
update runs_run set
    progress = %s, state = 'waiting', wait_reason = %s, wait_since = %s, wait_until = null, wait_for = %s,
    sequence = sequence + 1
where id = %s

-- name: queue
insert into runs_work (id, tenant_id, run_id, shard, ready_at, epoch)
values (%s, %s, %s, %s, weft_now(), coalesce((select max(epoch) from runs_step where run_id = %s), 0))
on conflict do nothing
