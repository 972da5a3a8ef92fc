-- The group-commit writer (role relay): the rows of a group arrive as one array of `pg_temp.runs_new`. Another order or
-- choice of columns takes another name for the type: behind a pooler an older release may have made this one.

-- name: scope
select set_config('app.tenants', $1::text, true)

-- name: columns
id uuid, tenant_id uuid, environment_id uuid, workflow_id uuid, version_id uuid, version_number integer,
source text, entry text, section text, action text, workflow_name text, route text,
state text, http_status smallint, request_id text, input bytea, output bytea, error bytea, steps bytea,
started_at timestamptz, finished_at timestamptz, duration_us bigint,
wait_reason text, wait_since timestamptz, wait_until timestamptz, wait_for text,
correlation text, parent_id uuid, delivery_id uuid, progress bytea, ready_at timestamptz, shard smallint

-- name: insert_runs
insert into runs_run (
    id, tenant_id, environment_id, workflow_id, version_id, version_number,
    source, entry, section, action, workflow_name, route,
    state, http_status, request_id, input, output, error, steps, started_at, finished_at, duration_us,
    wait_reason, wait_since, wait_until, wait_for, correlation, parent_id, delivery_id, progress, attempt, sequence
)
select
    id, tenant_id, environment_id, workflow_id, version_id, version_number,
    source, entry, section, action, workflow_name, route,
    state, http_status, request_id, input, output, error, steps, started_at, finished_at, duration_us,
    wait_reason, wait_since, wait_until, wait_for, correlation, parent_id, delivery_id, progress, 1, 1

-- name: from_array
from unnest($1::pg_temp.runs_new[])

-- name: from_new
from new

-- name: once
on conflict (id) do nothing

-- name: new
with new as materialized (select * from unnest($1::pg_temp.runs_new[]))

-- name: insert_work
insert into runs_work (id, tenant_id, run_id, shard, ready_at, epoch)
select id, tenant_id, id, shard, ready_at, 0 from new where ready_at is not null
on conflict do nothing

-- name: insert_one
insert into runs_run (
    id, tenant_id, environment_id, workflow_id, version_id, version_number,
    source, entry, section, action, workflow_name, route,
    state, http_status, request_id, input, output, error, steps, started_at, finished_at, duration_us,
    wait_reason, wait_since, wait_until, wait_for, correlation, parent_id, delivery_id, progress, attempt, sequence
)
values (
    %s, %s, %s, %s, %s, %s,
    %s, %s, %s, %s, %s, %s,
    %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
    %s, %s, %s, %s, %s, %s, %s, %s, 1, 1
)
on conflict (id) do nothing

-- name: insert_one_work
insert into runs_work (id, tenant_id, run_id, shard, ready_at, epoch)
values (%s, %s, %s, %s, %s, 0)
on conflict do nothing
