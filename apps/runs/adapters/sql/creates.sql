-- Grouped creates (role app): each object behind the row of the request that made it. The temporary table holds those of
-- all tenants of a group; the statements store those of the tenant that the scope is set to.

-- name: make_temporary
create temporary table if not exists creates_new (
    like pg_temp.runs_new, resource_id uuid, kind text, key text, data bytea, resource_state text,
    created_at timestamptz
)

-- name: copy
copy pg_temp.creates_new from stdin (format binary)

-- name: insert_resources
with stored as (
    insert into runs_storedresource
        (id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at)
    select
        resource_id, tenant_id, environment_id, workflow_id, kind, key, data, resource_state, created_at, created_at
    from pg_temp.creates_new
    where tenant_id = (select current_setting('app.tenant')::uuid)
    on conflict (tenant_id, environment_id, workflow_id, kind, key) do nothing
    returning id
)
delete from pg_temp.creates_new n
where n.tenant_id = (select current_setting('app.tenant')::uuid)
    and n.resource_id not in (select id from stored)
    and (select s.id from runs_storedresource s where s.id = n.resource_id) is null
returning n.id

-- name: from_new
from pg_temp.creates_new
where tenant_id = (select current_setting('app.tenant')::uuid)
