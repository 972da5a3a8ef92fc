-- Firing what is due by the clock (role relay). Times are the database's.

-- name: claim
update runs_schedule set claimed_until = weft_now() + make_interval(secs => %(seconds)s) where id in (
    select id from runs_schedule where next_at <= (select weft_now())
    and (claimed_until is null or claimed_until <= (select weft_now()))
    order by next_at, id limit %(most)s for update skip locked
) returning id, tenant_id, environment_id, workflow_id, version_id, version_number, name, timetable, workflow_name,
    action, next_at, weft_now()

-- name: still_due
select id, tenant_id, environment_id, workflow_id, version_id, version_number, name, timetable, workflow_name,
    action, next_at, weft_now()
from runs_schedule where id = any(%s) and next_at <= (select weft_now()) order by next_at, id for update skip locked

-- name: release
update runs_schedule set claimed_until = null where id in (
    select id from runs_schedule where id = any(%s) and claimed_until is not null for update skip locked
)

-- name: fired
update runs_schedule set next_at = %s, last_at = %s, last_run_id = coalesce(%s, last_run_id), claimed_until = null
where id = %s

-- name: see_tenants
select set_config('app.tenants', %s, true)
