-- Grouped creates (role app): each object with the row of the request that made it. The temporary tables hold those of
-- all tenants of a group; the statements store those of the tenant that the scope is set to.

-- name: make_temporary
create temporary table if not exists resources_new (
    run_id uuid, id uuid, tenant_id uuid, environment_id uuid, workflow_id uuid, kind text, key text, data bytea,
    state text, created_at timestamptz, updated_at timestamptz
)

-- name: copy_resources
copy pg_temp.resources_new from stdin (format binary)

-- name: insert_resources
with stored as (
    insert into runs_storedresource
        (id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at)
    select id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at
    from pg_temp.resources_new
    where tenant_id = (select current_setting('app.tenant')::uuid)
    on conflict (tenant_id, environment_id, workflow_id, kind, key) do nothing
    returning id
)
delete from pg_temp.runs_new n using pg_temp.resources_new r
where r.run_id = n.id and r.tenant_id = (select current_setting('app.tenant')::uuid)
    and r.id not in (select id from stored)
    and (select s.id from runs_storedresource s where s.id = r.id) is null
returning n.id

-- name: of_tenant
where tenant_id = (select current_setting('app.tenant')::uuid)
