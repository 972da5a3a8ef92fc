-- Grouped creates (role app): each object behind the row of the request that made it. A call stores those of one tenant,
-- which arrive as one array of `pg_temp.creates_new`; its name changes as that of `runs_new` does (writer.sql).

-- name: patience
set local lock_timeout = '50ms'

-- name: scope
select set_config('app.tenant', $1::text, true), set_config('app.user', '', true)

-- name: columns
resource_id uuid, kind text, key text, data bytea, resource_state text, created_at timestamptz

-- name: insert_resources
with new as materialized (select * from unnest($1::pg_temp.creates_new[])),
stored as (
    insert into runs_storedresource
        (id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at)
    select
        resource_id, tenant_id, environment_id, workflow_id, kind, key, data, resource_state, created_at, created_at
    from new
    on conflict (tenant_id, environment_id, workflow_id, kind, key) do nothing
    returning id
),
kept as materialized (
    select * from new
    where resource_id in (select id from stored)
        or (select s.id from runs_storedresource s where s.id = new.resource_id) is not null
)

-- name: from_kept
from kept

-- name: taken
select id from new where resource_id not in (select resource_id from kept)
