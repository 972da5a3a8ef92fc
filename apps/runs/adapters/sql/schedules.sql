-- Firing what is due by the clock (role relay). Times are the database's.

-- name: due
select id, tenant_id, environment_id, workflow_id, version_id, version_number, name, timetable, workflow_name, action,
    next_at, weft_now()
from runs_schedule where next_at <= (select weft_now()) order by next_at, id limit %s for update skip locked

-- name: fired
update runs_schedule set next_at = %s, last_at = %s, last_run_id = coalesce(%s, last_run_id) where id = %s

-- name: see_tenants
select set_config('app.tenants', %s, true)
